/** Log lines. Times are Unix milliseconds unless said otherwise. */

import { ApiError, OWN, get, searchString, type Params } from "./http";
import { connection } from "../state/connection.svelte";
import { readEvents } from "./events";
import { readJson } from "./json";
import type { Attributes } from "./traces";

export interface LogRecord {
  /** The place of the line: pages, contexts and links name it by this. */
  id: string;
  time_ms: number;
  level: string;
  severity_number: number;
  service: string;
  body: string;
  trace_id: string;
  span_id: string;
  correlation_id: string;
  attributes: Attributes;
  resource: Attributes;
  scope: string;
}

export interface LogPage {
  logs: LogRecord[];
  /** The `before` of the next page; null on the last. */
  next: string | null;
}

export interface LogHistogram {
  step_ms: number;
  lines: number;
  buckets: { time_ms: number; lines: number; levels: Record<string, number> }[];
}

export interface LogField {
  name: string;
  type: string;
  lines: number;
}

export interface LogFields {
  /** Lines that were looked at. */
  lines: number;
  fields: LogField[];
}

export interface TopValues {
  field: string;
  lines: number;
  /** Of these, how many have the field. */
  having: number;
  share: number;
  values: { value: string; lines: number; share: number }[];
}

export interface LogContext {
  /** In ascending order of time, as is `after`. */
  before: LogRecord[];
  line: LogRecord;
  after: LogRecord[];
  /** On which sides there are more. */
  more: { before: boolean; after: boolean };
}

export interface LogPattern {
  pattern: string;
  lines: number;
  share: number;
  levels: Record<string, number>;
  services: Record<string, number>;
  counts: number[];
  new: boolean;
  example: LogRecord;
}

export interface LogPatterns {
  lines: number;
  /** Older lines of the range were not looked at. */
  more: boolean;
  /** Lines of the time before, which tell what is new. */
  earlier: number;
  start_ms: number;
  end_ms: number;
  found: number;
  patterns: LogPattern[];
}

export type Same = "service" | "host" | "trace";

export async function searchLogs(params: Params, signal: AbortSignal): Promise<LogRecord[]> {
  return (await searchLogPage(params, signal)).logs;
}

export function searchLogPage(params: Params, signal: AbortSignal): Promise<LogPage> {
  return get(`${OWN}/logs`, params, signal);
}

export function getLogHistogram(params: Params, signal: AbortSignal): Promise<LogHistogram> {
  return get(`${OWN}/logs/histogram`, params, signal);
}

export function getLogFields(params: Params, signal: AbortSignal): Promise<LogFields> {
  return get(`${OWN}/logs/fields`, params, signal);
}

export function getTopValues(params: Params, signal: AbortSignal): Promise<TopValues> {
  return get(`${OWN}/logs/top`, params, signal);
}

export function getLogPatterns(params: Params, signal: AbortSignal): Promise<LogPatterns> {
  return get(`${OWN}/logs/patterns`, params, signal);
}

/** The lines around one: of all, or of those that have this in common with it. */
export function getLogContext(
  line: string,
  params: { before: number; after: number; same: Same | null },
  signal: AbortSignal,
): Promise<LogContext> {
  return get(`${OWN}/logs/context`, { line, ...params }, signal);
}

export interface Followed {
  /** The observatory answers: from now on lines come as they arrive. */
  onopen: () => void;
  /** In the order in which they arrived. */
  onlines: (lines: LogRecord[]) => void;
  /** So many lines were left out, since they were not read soon enough. */
  onmissed: (lines: number) => void;
}

/** Follows the lines that arrive; returns when the answer ends, and rejects where it cannot be followed. */
export async function followLogs(params: Params, told: Followed, signal: AbortSignal): Promise<void> {
  const path = `${OWN}/logs/tail`;
  let response: Response;
  try {
    const headers = { Accept: "text/event-stream" };
    response = await fetch(path + searchString(params), { signal, headers });
    connection.heard(response);
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    connection.failed();
    throw new ApiError("The observatory does not answer.", 0);
  }
  if (!response.ok || response.body === null) {
    const body = (await response.json().catch(() => null)) as { error?: unknown } | null;
    const message = typeof body?.error === "string" ? body.error : `It answered ${String(response.status)}.`;
    throw new ApiError(message, response.status);
  }
  told.onopen();
  for await (const event of readEvents(response.body)) {
    const data = readJson(event.data);
    if (event.name === "lines") {
      told.onlines(data as LogRecord[]);
    } else if (event.name === "missed") {
      told.onmissed((data as { lines: number }).lines);
    } else if (event.name === "failed") {
      throw new ApiError((data as { error: string }).error, 503);
    }
  }
}
