/** Log lines. Times are Unix milliseconds unless said otherwise. */

import { OWN, get, type Params } from "./http";
import type { Attributes } from "./traces";

export interface LogRecord {
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
}

export async function searchLogs(params: Params, signal: AbortSignal): Promise<LogRecord[]> {
  return (await get<{ logs: LogRecord[] }>(`${OWN}/logs`, params, signal)).logs;
}
