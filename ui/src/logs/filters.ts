/** What a search for log lines asks, as the page's address has it and as the API is asked. */

import type { Params } from "../api/http";
import { LITERAL, fieldName, quoted, tokens } from "./kql";

/** The parameters, under the names that address and API have them. */
export const FILTERS = [
  "query",
  "filter",
  "service",
  "level",
  "trace_id",
  "span_id",
  "correlation_id",
  "pattern",
  "without_pattern",
] as const;

export type LogFilters = Record<(typeof FILTERS)[number], string>;

export function readFilters(param: (name: string) => string): LogFilters {
  const found = Object.fromEntries(FILTERS.map((name) => [name, param(name)])) as LogFilters;
  // A link may have any case, as the API takes it.
  const level = found.level.toUpperCase();
  return { ...found, level, trace_id: found.trace_id.toLowerCase(), span_id: found.span_id.toLowerCase() };
}

export function filterParams(filters: LogFilters): Params {
  return { ...filters };
}

/** A condition on a field that a click made: it has the value, or where that is null it is there at all. */
export interface FieldFilter {
  field: string;
  value: string | null;
  negated: boolean;
}

export function writeFieldFilter({ field, value, negated }: FieldFilter): string {
  return `${negated ? "not " : ""}${fieldName(field)}: ${value === null ? "*" : quoted(value)}`;
}

export function writeFieldFilters(filters: FieldFilter[]): string {
  return filters.map(writeFieldFilter).join(" and ");
}

/** Reads what `writeFieldFilters` wrote; null where it is another query. */
export function readFieldFilters(text: string): FieldFilter[] | null {
  const found: FieldFilter[] = [];
  const all = tokens(text);
  let at = 0;
  while (at < all.length) {
    if (found.length > 0) {
      if (all[at]?.kind !== "and") {
        return null;
      }
      at += 1;
    }
    const negated = all[at]?.kind === "not";
    at += negated ? 1 : 0;
    const [name, colon, value] = all.slice(at, at + 3);
    if (name?.kind !== "word" || colon?.kind !== "colon" || value === undefined) {
      return null;
    }
    const exists = value.kind === "word" && value.value === "*";
    if (!exists && (value.kind !== "phrase" || value.open === true)) {
      return null;
    }
    const field = name.value.replaceAll(LITERAL, "");
    found.push({ field, value: exists ? null : value.value, negated });
    at += 3;
  }
  return found;
}

/** Adds a filter; the same one with the other sign gives way, the same one stays. */
export function withFieldFilter(filters: FieldFilter[], added: FieldFilter): FieldFilter[] {
  const others = filters.filter((one) => one.field !== added.field || one.value !== added.value);
  return [...others, added];
}

/** Adds a line to a text of lines, where it is not there yet. */
export function withLine(text: string, line: string): string {
  const lines = text.split("\n").filter((one) => one !== "");
  return lines.includes(line) ? text : [...lines, line].join("\n");
}

export function withoutLine(text: string, line: string): string {
  return text
    .split("\n")
    .filter((one) => one !== "" && one !== line)
    .join("\n");
}

export interface QueryProblem {
  /** Counts from 1. */
  column: number;
  text: string;
}

/** Reads the place and the words of what the API says of a query; null where it says something else. */
export function queryProblem(message: string, parameter: "query" | "filter" = "query"): QueryProblem | null {
  const match = new RegExp(`^parameter "${parameter}": column (\\d+): ([\\s\\S]*)$`).exec(message);
  return match === null ? null : { column: Number(match[1]), text: match[2] ?? "" };
}
