/** Prometheus' API: queries and targets. Times are Unix milliseconds unless said otherwise. */

import { get } from "./http";

export type Labels = Record<string, string>;

/** One series of a Prometheus matrix; times are Unix seconds. */
export interface MatrixSeries {
  metric: Labels;
  values?: [number, string][];
}

export interface ScrapeTarget {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  health: "up" | "down" | "unknown";
}

export async function queryRange(
  query: string,
  range: { start: number; end: number; step: number },
  signal: AbortSignal,
): Promise<MatrixSeries[]> {
  const body = await get<{ data: { result: MatrixSeries[] } }>(
    "/api/v1/query_range",
    { query, ...range },
    signal,
  );
  return body.data.result;
}

export async function getTargets(signal: AbortSignal): Promise<ScrapeTarget[]> {
  const body = await get<{ data: { activeTargets: ScrapeTarget[] } }>(
    "/api/v1/targets",
    { state: "active" },
    signal,
  );
  return body.data.activeTargets;
}
