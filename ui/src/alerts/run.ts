/** Runs the blocks of a playbook, and says where each can be seen whole. */

import type { PlaybookBlock } from "../api/alerts";
import { searchString } from "../api/http";
import { type LogRecord, searchLogs } from "../api/logs";
import { evaluateRange, type MatrixSeries } from "../api/metrics";
import { searchTraces, type TraceSummary } from "../api/traces";
import { readTraceQuery } from "../explore/traces/query";
import { parseDuration } from "../format/duration";
import { querySteps, rangeParams, resolveRange, type TimeRange } from "../time/range";

export type BlockResult =
  | {
      kind: "series";
      steps: { start: number; end: number; step: number };
      series: MatrixSeries[];
      cut: boolean;
    }
  | { kind: "lines"; lines: LogRecord[]; cut: boolean }
  | { kind: "traces"; traces: TraceSummary[]; cut: boolean };

/** Series beyond these would not be told apart. */
export const MOST_SERIES = 50;
export const MOST_ROWS = 10;

/** Runs a query over a range. Rejects with what is wrong with it. */
export async function runBlock(
  lang: PlaybookBlock["lang"],
  query: string,
  range: TimeRange,
  signal: AbortSignal,
): Promise<BlockResult> {
  const { from, to } = resolveRange(range, Date.now());
  const times = { start_ms: Math.floor(from), end_ms: Math.ceil(to), limit: MOST_ROWS + 1 };
  if (lang === "promql") {
    const steps = querySteps({ from, to });
    const { data } = await evaluateRange(query, steps, MOST_SERIES + 1, signal);
    return { kind: "series", steps, series: data.slice(0, MOST_SERIES), cut: data.length > MOST_SERIES };
  }
  if (lang === "logs") {
    const lines = await searchLogs({ query, ...times }, signal);
    return { kind: "lines", lines: lines.slice(0, MOST_ROWS), cut: lines.length > MOST_ROWS };
  }
  const { values, attributes, problems } = readTraceQuery(query);
  if (problems.length > 0) {
    throw new Error(problems.map((one) => one.message).join(" "));
  }
  const traces = await searchTraces(
    {
      service: values.service,
      name: values.operation,
      status: values.status,
      kind: values.kind,
      scope: values.scope,
      min_duration_ms: parseDuration(values.minDuration ?? ""),
      max_duration_ms: parseDuration(values.maxDuration ?? ""),
      attribute: attributes.map(([name, value]) => `${name}=${value}`),
      ...times,
    },
    signal,
  );
  return { kind: "traces", traces: traces.slice(0, MOST_ROWS), cut: traces.length > MOST_ROWS };
}

/** The address in Explore of a query over a range. */
export function exploreHref(lang: PlaybookBlock["lang"], query: string, range: TimeRange): string {
  const asked = lang === "promql" ? { expr: query } : { lang, query };
  return `/explore${searchString({ ...asked, ...rangeParams(range) })}`;
}
