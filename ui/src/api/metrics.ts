/** Prometheus' API: queries and targets. Times are Unix milliseconds unless said otherwise. */

import { get, getOrPost, searchString } from "./http";

export type Labels = Record<string, string>;

/** One series of a Prometheus matrix; times are Unix seconds. */
export interface MatrixSeries {
  metric: Labels;
  values?: [number, string][];
  histograms?: [number, NativeHistogram][];
}

export interface VectorSample {
  metric: Labels;
  value?: [number, string];
  histogram?: [number, NativeHistogram];
}

/** A native histogram; a bucket is which of its bounds belong to it, the bounds, and its count. */
export interface NativeHistogram {
  count: string;
  sum: string;
  buckets?: [number, string, string, string][];
}

export type QueryData =
  | { resultType: "matrix"; result: MatrixSeries[] }
  | { resultType: "vector"; result: VectorSample[] }
  | { resultType: "scalar" | "string"; result: [number, string] };

/** What a query gives, with what Prometheus remarks on it. */
export interface Answer<T> {
  data: T;
  warnings: string[];
  infos: string[];
}

/** The warning that tells that `limit` left something out. */
export const TRUNCATED = "results truncated due to limit";

export interface MetricMetadata {
  type: string;
  help: string;
  unit: string;
}

/** What to look at: series of a selector, or all where it is ""; times are Unix seconds. */
export interface SeriesScope {
  match: string;
  start: number;
  end: number;
  limit: number;
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

/** Reads a sample's value as Prometheus writes it. */
export function sampleValue(text: string): number {
  return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
}

export async function queryRange(
  query: string,
  range: { start: number; end: number; step: number },
  signal: AbortSignal,
): Promise<MatrixSeries[]> {
  return (await evaluateRange(query, range, 0, signal)).data;
}

type Body<T> = { data: T; warnings?: string[]; infos?: string[] };

/** Evaluates at each step of a range, of which the times are Unix seconds; at most `limit` series where it is not 0. */
export async function evaluateRange(
  query: string,
  range: { start: number; end: number; step: number },
  limit: number,
  signal: AbortSignal,
): Promise<Answer<MatrixSeries[]>> {
  const { data, warnings, infos } = answer(
    await getOrPost<Body<{ result: MatrixSeries[] }>>(
      "/api/v1/query_range",
      { query, ...range, limit: limit || null },
      signal,
    ),
  );
  return { data: data.result, warnings, infos };
}

/** Evaluates at one time, in Unix seconds. */
export async function evaluate(
  query: string,
  time: number,
  limit: number,
  signal: AbortSignal,
): Promise<Answer<QueryData>> {
  return answer(
    await getOrPost<Body<QueryData>>("/api/v1/query", { query, time, limit: limit || null }, signal),
  );
}

function answer<T>({ data, warnings = [], infos = [] }: Body<T>): Answer<T> {
  return { data, warnings, infos };
}

/** Writes a query as Prometheus formats it. */
export async function formatQuery(query: string, signal: AbortSignal): Promise<string> {
  return (await get<Body<string>>("/api/v1/format_query", { query }, signal)).data;
}

/** What is known of each metric; of one that several targets tell differently, the first. */
export async function getMetadata(limit: number, signal: AbortSignal): Promise<Map<string, MetricMetadata>> {
  const body = await get<Body<Record<string, MetricMetadata[]>>>(
    "/api/v1/metadata",
    { limit, limit_per_metric: 1 },
    signal,
  );
  return new Map(Object.entries(body.data).flatMap(([name, [first]]) => (first ? [[name, first]] : [])));
}

export async function getLabelNames(scope: SeriesScope, signal: AbortSignal): Promise<Answer<string[]>> {
  return answer(await get<Body<string[]>>(`/api/v1/labels${scoped(scope)}`, {}, signal));
}

export async function getLabelValues(
  label: string,
  scope: SeriesScope,
  signal: AbortSignal,
): Promise<Answer<string[]>> {
  const path = `/api/v1/label/${encodeURIComponent(labelInPath(label))}/values`;
  return answer(await get<Body<string[]>>(path + scoped(scope), {}, signal));
}

/** The series that there were in a range of time. */
export async function getSeries(scope: SeriesScope, signal: AbortSignal): Promise<Answer<Labels[]>> {
  return answer(await get<Body<Labels[]>>(`/api/v1/series${scoped(scope)}`, {}, signal));
}

function scoped({ match, ...times }: SeriesScope): string {
  return searchString({ ...times, "match[]": match });
}

/** Names that are not plain have a form of their own in a path, as Prometheus has it. */
function labelInPath(label: string): string {
  return /^[A-Za-z_]\w*$/.test(label)
    ? label
    : `U__${[...label.replaceAll("_", "__")].map((sign) => (/[A-Za-z0-9_:]/.test(sign) ? sign : `_${(sign.codePointAt(0) ?? 0).toString(16)}_`)).join("")}`;
}

export async function getTargets(signal: AbortSignal): Promise<ScrapeTarget[]> {
  const body = await get<{ data: { activeTargets: ScrapeTarget[] } }>(
    "/api/v1/targets",
    { state: "active" },
    signal,
  );
  return body.data.activeTargets;
}

/** The exemplars of one series; their times are Unix seconds. */
export interface SeriesExemplars {
  seriesLabels: Labels;
  exemplars: { labels: Labels; value: string; timestamp: number }[];
}

/** Returns the exemplars of the series that a query selects. */
export async function queryExemplars(
  query: string,
  range: { start: number; end: number },
  signal: AbortSignal,
): Promise<SeriesExemplars[]> {
  const path = "/api/v1/query_exemplars";
  return (await getOrPost<Body<SeriesExemplars[]>>(path, { query, ...range }, signal)).data;
}
