/** Correlation ids of requests, many of which look like ids of traces. */

import type { LogRecord } from "../api/logs";
import { rangeAround } from "../time/range";

/** What belongs together was written at about the same time. */
const AROUND_MS = 30 * 60_000;

/** Returns the query for lines with a correlation id, which a UUID may be, with its dashes or without. */
export function correlationQuery(id: string): string {
  const uuid = id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return `correlation_id: (${[...new Set([id, uuid])].map((one) => `"${one}"`).join(" or ")})`;
}

/** Returns the search for the lines with the correlation id of one, at about its time. */
export function aroundLine({
  correlation_id,
  time_ms,
}: Pick<LogRecord, "correlation_id" | "time_ms">): string {
  return new URLSearchParams({ correlation_id, ...rangeAround(time_ms, time_ms, AROUND_MS) }).toString();
}
