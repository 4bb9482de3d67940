/** What a search for traces asks, as it stands in the URL and as the API is asked. */

import type { Params } from "../api/http";
import { parseDuration } from "../format/duration";

export const KINDS = ["server", "client", "internal", "producer", "consumer", "unspecified"] as const;
export const STATUSES = ["error", "ok", "unset"] as const;

export interface Filters {
  service: string;
  name: string;
  kind: string;
  status: string;
  scope: string;
  /** The service that made the call: that of the span's parent. */
  caller: string;
  /** Only spans that name no parent. */
  root: boolean;
  /** Durations of a span as they were typed, such as "250ms". */
  min: string;
  max: string;
  /** Each as "name=value". */
  attributes: string[];
}

export function readFilters(query: URLSearchParams): Filters {
  const text = (name: string): string => query.get(name) ?? "";
  return {
    service: text("service"),
    name: text("name"),
    kind: text("kind"),
    status: text("status"),
    scope: text("scope"),
    caller: text("caller"),
    root: text("root") === "1",
    min: text("min"),
    max: text("max"),
    attributes: [...new Set(query.getAll("attribute"))].filter(isAttribute),
  };
}

/** Tells whether a text is an attribute's name and value. */
export function isAttribute(text: string): boolean {
  return /^[^=]+=/.test(text);
}

/** Returns the trace id that a text is: 16 or 32 hexadecimal digits, with dashes or blanks around; null for others. */
export function readTraceId(text: string): string | null {
  const id = text.trim().replaceAll("-", "").toLowerCase();
  return /^([0-9a-f]{16}|[0-9a-f]{32})$/.test(id) ? id : null;
}

/** The API's parameters of a search; without `durations`, spans of any length are asked for. */
export function searchParams(
  filters: Filters,
  range: { from: number; to: number },
  durations = true,
): Params {
  return {
    service: filters.service,
    name: filters.name,
    kind: filters.kind,
    status: filters.status,
    scope: filters.scope,
    caller: filters.caller,
    root: filters.root ? "true" : null,
    min_duration_ms: durations ? parseDuration(filters.min) : null,
    max_duration_ms: durations ? parseDuration(filters.max) : null,
    attribute: filters.attributes,
    start_ms: Math.floor(range.from),
    end_ms: Math.ceil(range.to),
  };
}

/** Returns the query string with other attributes. */
export function withAttributes(query: URLSearchParams, attributes: string[]): string {
  const changed = new URLSearchParams(query);
  changed.delete("attribute");
  for (const one of new Set(attributes)) {
    changed.append("attribute", one);
  }
  const text = changed.toString();
  return text === "" ? "" : `?${text}`;
}

/** How many filters narrow the search. */
export function countFilters(filters: Filters): number {
  const { attributes, ...others } = filters;
  return attributes.length + Object.values(others).filter((value) => value !== "" && value !== false).length;
}

/** Writes milliseconds as `parseDuration` reads them, to three digits. */
export function writeDuration(ms: number): string {
  const [size, unit] = ms < 1 ? [1e-3, "us"] : ms < 1000 ? [1, "ms"] : [1000, "s"];
  return `${String(Number((ms / size).toPrecision(3)))}${unit}`;
}
