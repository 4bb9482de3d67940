/** Playbooks name the labels of an alert as rules do: `{{ $labels.service }}`. */

import type { PlaybookBlock } from "../api/alerts";
import type { Labels } from "../api/metrics";

export type Filled =
  | { text: string }
  /** The label that the alert has not. */
  | { missing: string };

const PLACEHOLDER = /\{\{-?\s*(?:\$labels|\.Labels)\.([A-Za-z_]\w*)\s*-?\}\}/g;

export function hasPlaceholders(text: string): boolean {
  return text.search(PLACEHOLDER) >= 0;
}

/** Fills the labels of an alert into a query; what stands in quotes is escaped for these. */
export function fill(lang: PlaybookBlock["lang"], text: string, labels: Labels): Filled {
  let missing = "";
  const filled = text.replace(PLACEHOLDER, (_, name: string, at: number) => {
    const value = labels[name];
    if (value === undefined) {
      missing ||= name;
      return "";
    }
    return insert(lang, value, text, at);
  });
  return missing === "" ? { text: filled } : { missing };
}

function insert(lang: PlaybookBlock["lang"], value: string, text: string, at: number): string {
  const quote =
    lang === "promql" ? quoteAround(text.slice(0, at), "\"'`", "#") : quoteAround(text.slice(0, at), '"');
  const escaped = (sign: string): string =>
    value.replaceAll("\\", "\\\\").replaceAll(sign, `\\${sign}`).replaceAll("\n", "\\n");
  if (quote !== "") {
    return quote === "`" ? value : escaped(quote);
  }
  // A value with blanks or signs would be read as several words, or as part of the query's own grammar.
  return lang !== "promql" && !/^[\w.-]+$/.test(value) ? `"${escaped('"')}"` : value;
}

/**
 * Returns the sign that began the string that is open at the end of a text, "" where none is.
 *
 * `quotes` are the signs that begin one, `comment` what begins a comment, which ends with its line.
 */
function quoteAround(text: string, quotes: string, comment = ""): string {
  let open = "";
  for (let i = 0; i < text.length; i += 1) {
    const sign = text[i] ?? "";
    if (sign === comment && open === "") {
      const end = text.indexOf("\n", i);
      i = end < 0 ? text.length : end;
    } else if (sign === "\\" && open !== "`") {
      i += 1;
    } else if (open === "" ? quotes.includes(sign) : sign === open) {
      open = open === "" ? sign : "";
    }
  }
  return open;
}

/** Tells whether a series may be of an alert: no label that both have differs. */
export function agrees(metric: Labels, labels: Labels): boolean {
  return Object.entries(metric).every(
    ([name, value]) => name === "__name__" || labels[name] === undefined || labels[name] === value,
  );
}
