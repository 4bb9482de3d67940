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
  const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  if (inQuotes(text, at)) {
    return escaped;
  }
  // A value with blanks or signs would be read as several words, or as part of the query's own grammar.
  return lang !== "promql" && !/^[\w.-]+$/.test(value) ? `"${escaped}"` : value;
}

/** Tells whether a place is within a string: after an odd number of quotes that are not escaped. */
function inQuotes(text: string, at: number): boolean {
  let quotes = 0;
  for (let i = 0; i < at; i += 1) {
    if (text[i] === "\\") {
      i += 1;
    } else if (text[i] === '"') {
      quotes += 1;
    }
  }
  return quotes % 2 === 1;
}

/** Tells whether a series may be of an alert: no label that both have differs. */
export function agrees(metric: Labels, labels: Labels): boolean {
  return Object.entries(metric).every(
    ([name, value]) => name === "__name__" || labels[name] === undefined || labels[name] === value,
  );
}
