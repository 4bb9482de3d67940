/** Variables in a dashboard's texts: `$name`, `${name}`, `${name:format}` and `[[name]]`, as Grafana replaces them. */

import type { Variable, VariableOption } from "../api/dashboards";

/** What is chosen of one variable. */
export interface Chosen {
  values: string[];
  /** What the values are called. */
  texts: string[];
  /** All are chosen; `values` are all of them then. */
  all: boolean;
  /** What stands for all of them, as it is; "" for the values themselves. */
  allValue: string;
  /** Several may be chosen, so that a query compares with `=~`. */
  many: boolean;
}

export type Values = ReadonlyMap<string, Chosen>;

/** Gives the value of a name of Grafana's own, such as `__interval`; undefined where it has none here. */
export type BuiltIn = (name: string, path: string, format: string) => string | undefined;

export const ALL = "$__all";
const ALL_TEXT = "All";

const PATTERN =
  /\$(?<plain>\w+)|\[\[(?<square>\w+)(?::(?<squareFormat>[^\]]*))?\]\]|\$\{(?<name>\w+)(?:\.(?<path>[^:}]*)|\[(?<index>\w+)\])?(?::(?<format>[^}]*))?\}/g;

/** Returns one chosen value, as of a variable that is repeated over. */
export function single(option: VariableOption, many = false): Chosen {
  return { values: [option.value], texts: [option.text], all: false, allValue: "", many };
}

/** Replaces the variables in a text; one that is not known stays as it is written. */
export function replaceVariables(
  text: string,
  values: Values,
  defaultFormat: Format = "plain",
  builtIn: BuiltIn = () => undefined,
): string {
  return text.replace(PATTERN, (written: string, ...rest: unknown[]) => {
    const groups = rest.at(-1) as Record<string, string | undefined>;
    const name = groups["plain"] ?? groups["square"] ?? groups["name"] ?? "";
    const format = groups["format"] ?? groups["squareFormat"] ?? "";
    const chosen = values.get(name);
    if (chosen === undefined) {
      return builtIn(name, groups["path"] ?? groups["index"] ?? "", format) ?? written;
    }
    return formatChosen(chosen, format === "" ? defaultFormat : format, name);
  });
}

/** Returns the names of the variables in a text, each once. */
export function variablesIn(text: string): string[] {
  const names = [...text.matchAll(PATTERN)].map(
    ({ groups }) => groups?.["plain"] ?? groups?.["square"] ?? groups?.["name"] ?? "",
  );
  return [...new Set(names)];
}

/** "plain" for texts that people read, "prometheus" for PromQL, or one of Grafana's formats by its name. */
export type Format = string;

function formatChosen(chosen: Chosen, format: Format, name: string): string {
  if (format === "text" || format === "plain") {
    return chosen.all ? ALL_TEXT : (format === "text" ? chosen.texts : chosen.values).join(", ");
  }
  if (format === "queryparam") {
    const values = chosen.all ? [ALL] : chosen.values;
    return values.map((value) => `var-${name}=${encodeURIComponent(value)}`).join("&");
  }
  if (chosen.all && chosen.allValue !== "") {
    return chosen.allValue;
  }
  return formatValues(chosen.values, format, name, chosen.many);
}

function formatValues(values: string[], format: Format, name: string, many: boolean): string {
  const each = (write: (value: string) => string, separator = ","): string =>
    values.map(write).join(separator);
  switch (format) {
    case "prometheus":
      return prometheus(values, many);
    case "regex":
      return values.length === 1 ? escapeRegex(values[0] ?? "") : `(${each(escapeRegex, "|")})`;
    case "pipe":
      return values.join("|");
    case "glob":
      return values.length > 1 ? `{${values.join(",")}}` : values.join("");
    case "json":
      return JSON.stringify(values.length === 1 ? values[0] : values);
    case "doublequote":
      return each((value) => `"${value.replace(/"/g, '\\"')}"`);
    case "singlequote":
      return each((value) => `'${value.replace(/'/g, "\\'")}'`);
    case "sqlstring":
      return each((value) => `'${value.replace(/'/g, "''")}'`);
    case "lucene":
      return lucene(values);
    case "distributed":
      return values.map((value, i) => (i === 0 ? value : `${name}=${value}`)).join(",");
    case "percentencode":
    case "uriencode":
      return encodeURIComponent(values.length > 1 ? `{${values.join(",")}}` : values.join(""));
    case "html":
      return each(escapeHtml, ", ");
    case "raw":
    case "csv":
      return values.join(",");
    default: // unknown to Grafana as well, which takes it for "glob"
      return values.length > 1 ? `{${values.join(",")}}` : values.join("");
  }
}

/** Within the quotes of a PromQL matcher; several values are a regular expression there. */
function prometheus(values: string[], many: boolean): string {
  const quoted = (text: string): string => text.replace(/\\/g, "\\\\").replace(/"/g, '\\"');
  if (!many) {
    return quoted(values.join(","));
  }
  const escaped = values.map((value) => quoted(escapeRegex(value)));
  return escaped.length === 1 ? (escaped[0] ?? "") : `(${escaped.join("|")})`;
}

function lucene(values: string[]): string {
  const escaped = values.map((value) => value.replace(/[+\-=&|><!(){}[\]^"~*?:\\/ ]/g, "\\$&"));
  return values.length === 1 ? (escaped[0] ?? "") : `(${values.map((v) => JSON.stringify(v)).join(" OR ")})`;
}

/** RE2 knows no escape of a letter, and needs none of "-" or "/" outside a class. */
function escapeRegex(text: string): string {
  return text.replace(/[\\^$*+?.()|[\]{}]/g, "\\$&");
}

function escapeHtml(text: string): string {
  return text
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;")
    .replace(/'/g, "&#39;");
}

/** What stands in the URL for a variable's choice, one value a parameter. */
export function chosenInUrl(query: URLSearchParams, name: string): string[] | null {
  const values = query.getAll(`var-${name}`);
  return values.length === 0 ? null : values;
}

/**
 * Settles what is chosen, of what is wished and what there is.
 *
 * A wish that is not among the options falls back to the first option, but for what people type themselves.
 */
export function choose(variable: Variable, options: VariableOption[], wished: string[] | null): Chosen {
  const many = variable.multi || variable.include_all;
  const wish = wished ?? variable.current;
  const wantsAll = wish.includes(ALL) || (variable.include_all && wish.length === 1 && wish[0] === ALL_TEXT);
  if (variable.include_all && (wantsAll || (wish.length === 0 && wished === null))) {
    return {
      values: options.map((one) => one.value),
      texts: options.map((one) => one.text),
      all: true,
      allValue: variable.all_value,
      many,
    };
  }
  const free = variable.type === "textbox" || variable.type === "constant" || wished !== null;
  const found = wish
    .filter((value) => value !== ALL)
    .flatMap((value) => {
      const option = options.find((one) => one.value === value) ?? options.find((one) => one.text === value);
      return option ?? (free ? { text: value, value } : []);
    });
  const [first] = options;
  const each = [...new Map(found.map((one) => [one.value, one])).values()];
  const taken = each.length > 0 ? each : first === undefined ? [] : [first];
  const kept = variable.multi ? taken : taken.slice(0, 1);
  return {
    values: kept.map((one) => one.value),
    texts: kept.map((one) => one.text),
    all: false,
    allValue: "",
    many,
  };
}

/** Makes options of what a query answered: those that the variable's pattern takes, each once, in its order. */
export function makeOptions(variable: Variable, found: string[]): VariableOption[] {
  const pattern = parsePattern(variable.regex);
  const taken = found.flatMap((text): VariableOption[] => {
    if (pattern === null) {
      return [{ text, value: text }];
    }
    return take(text, pattern);
  });
  const seen = new Set<string>();
  const distinct = taken.filter(({ value }) => !seen.has(value) && seen.add(value));
  return sortOptions(distinct, variable.sort);
}

/** Reads `/pattern/flags`, or a pattern without slashes, which must fit from start to end; null where there is none. */
export function parsePattern(text: string): RegExp | null {
  if (text === "") {
    return null;
  }
  const slashed = /^\/(.*)\/([a-z]*)$/s.exec(text);
  try {
    const flags = (slashed?.[2] ?? "").replace(/[^gims]/g, "");
    return slashed === null ? new RegExp(`^${text}$`) : new RegExp(slashed[1] ?? "", flags);
  } catch {
    throw new Error(`the pattern ${text} of the variable is not a regular expression`);
  }
}

function take(text: string, pattern: RegExp): VariableOption[] {
  const matches = pattern.global ? [...text.matchAll(pattern)] : [pattern.exec(text)];
  let value: string | undefined;
  let label: string | undefined;
  const plain: string[] = [];
  for (const match of matches) {
    if (match === null) {
      continue;
    }
    value ??= match.groups?.["value"];
    label ??= match.groups?.["text"];
    plain.push(match[1] ?? match[0]);
  }
  if (value !== undefined || label !== undefined) {
    return [{ text: label ?? value ?? "", value: value ?? label ?? "" }];
  }
  return plain.map((one) => ({ text: one, value: one }));
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function sortOptions(options: VariableOption[], sort: Variable["sort"]): VariableOption[] {
  const number = (text: string): number => {
    const digits = /\d+/.exec(text)?.[0];
    return digits === undefined ? -1 : Number(digits);
  };
  const orders: Record<string, (a: VariableOption, b: VariableOption) => number> = {
    alpha: (a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0),
    "alpha-ci": (a, b) => a.text.toLowerCase().localeCompare(b.text.toLowerCase()),
    number: (a, b) => number(a.text) - number(b.text),
    natural: (a, b) => collator.compare(a.text, b.text),
  };
  const order = orders[sort.by];
  if (order === undefined) {
    return options;
  }
  const sorted = options.toSorted(order);
  return sort.desc ? sorted.reverse() : sorted;
}

/** A text that changes when the values do. */
export function valuesKey(values: Values): string {
  return JSON.stringify([...values].map(([name, { values: chosen, all }]) => [name, chosen, all]));
}
