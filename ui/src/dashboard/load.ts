/** Asks what a panel shows: the results of its queries as frames, its exemplars, lines and traces. */

import type { Panel, PanelType, Target } from "../api/dashboards";
import { getLogHistogram, type LogRecord, searchLogs } from "../api/logs";
import {
  evaluate,
  evaluateRange,
  type Labels,
  type MatrixSeries,
  queryExemplars,
  sampleValue,
  TRUNCATED,
  type VectorSample,
} from "../api/metrics";
import { getTrace, searchTraces, type TraceSummary } from "../api/traces";
import { type Exemplar, thinned } from "../charts/exemplars";
import { parseDuration } from "../format/duration";
import { legendName } from "../format/legend";
import type { TimeRange } from "../time/range";
import { type Cell, type DataFrame, type Field, makeField } from "../data/fields";
import {
  builtIns,
  panelRange,
  type PanelContext,
  type PanelTime,
  type Shown,
  type Steps,
  targetQuery,
  targetSteps,
} from "./queries";
import { panelQueue } from "./queue";
import { replaceVariables } from "./variables";

export interface Loaded {
  shown: PanelTime;
  frames: DataFrame[];
  /** Of native histograms, by their queries: what a heatmap draws. */
  histograms: MatrixSeries[];
  exemplars: Exemplar[];
  lines: LogRecord[];
  traces: TraceSummary[];
  /** What Prometheus remarks on the queries, and which of them failed beside others that did not. */
  warnings: string[];
  /** The PromQL that was asked, for Explore. */
  queries: { expr: string; legend: string }[];
  /** The searches of lines that were asked, for the logs. */
  searches: string[];
}

const MOST_SERIES = 1000;
const MOST_ROWS = 5000;
const MOST_LINES = 500;

/** The queries of a panel that can be asked. */
export function runnable(panel: Panel): Target[] {
  return panel.targets.filter((target) => target.source !== null);
}

/**
 * Asks all of a panel's queries.
 *
 * @param points how many steps a range should have: about the panel's width in pixels.
 * @throws Error whose message can be shown.
 */
export async function loadPanel(
  panel: Panel,
  range: TimeRange,
  points: number,
  context: PanelContext,
  signal: AbortSignal,
): Promise<Loaded> {
  const shown = panelRange(panel, range, Date.now(), context);
  const loaded: Loaded = {
    shown,
    frames: [],
    histograms: [],
    exemplars: [],
    lines: [],
    traces: [],
    warnings: [],
    queries: [],
    searches: [],
  };
  const targets = runnable(panel);
  const several = targets.filter((target) => isTable(target, panel)).length > 1;
  const parts = await Promise.allSettled(
    targets.map((target) =>
      panelQueue.run(() => loadTarget(target, panel, shown, points, several, context, signal), signal),
    ),
  );
  const failed = parts.filter((part) => part.status === "rejected");
  if (signal.aborted || (failed.length === parts.length && failed.length > 0)) {
    throw failed[0]?.reason ?? signal.reason;
  }
  parts.forEach((part, i) => {
    if (part.status === "rejected") {
      const { reason } = part as { reason: unknown };
      const said = reason instanceof Error ? reason.message : String(reason);
      loaded.warnings.push(`Query ${targets[i]?.ref_id ?? ""} failed: ${said}`);
      return;
    }
    const { value } = part;
    loaded.frames.push(...(value.frames ?? []));
    loaded.histograms.push(...(value.histograms ?? []));
    loaded.exemplars.push(...(value.exemplars ?? []));
    loaded.lines.push(...(value.lines ?? []));
    loaded.traces.push(...(value.traces ?? []));
    loaded.warnings.push(...(value.warnings ?? []));
    loaded.queries.push(...(value.queries ?? []));
    loaded.searches.push(...(value.searches ?? []));
  });
  const auto = new Set(targets.filter((one) => one.legend_format === AUTO_LEGEND).map((one) => one.ref_id));
  return {
    ...loaded,
    frames: shortlyNamed(loaded.frames, auto),
    lines:
      targets.length < 2 ? loaded.lines : newestFirst(loaded.lines, "id", "time_ms").slice(0, MOST_LINES),
    traces: targets.length < 2 ? loaded.traces : newestFirst(loaded.traces, "trace_id", "start_ms"),
    warnings: [...new Set(loaded.warnings)],
  };
}

/** What several queries found, each once. */
function newestFirst<I extends string, T extends string, R extends Record<I, string> & Record<T, number>>(
  found: R[],
  id: I,
  time: T,
): R[] {
  return [...new Map(found.map((one) => [one[id], one])).values()].sort((a, b) => b[time] - a[time]);
}

const AUTO_LEGEND = "__auto";

/**
 * Names series by a label's value alone where all series of the panel have that one label and no other, as Grafana's
 * legend "Auto" does; overrides go by such names.
 *
 * @param auto the queries whose legend is "Auto".
 */
export function shortlyNamed(frames: DataFrame[], auto: ReadonlySet<string>): DataFrame[] {
  const labels = new Set(frames.flatMap(({ fields }) => fields.flatMap((one) => Object.keys(one.labels))));
  const [only] = labels;
  if (only === undefined || labels.size > 1 || auto.size === 0) {
    return frames;
  }
  return frames.map((frame) => {
    const name = frame.fields.find((field) => field.labels[only] !== undefined)?.labels[only];
    return name === undefined || !auto.has(frame.refId)
      ? frame
      : {
          ...frame,
          name,
          fields: frame.fields.map((one) => (one.labels[only] === undefined ? one : { ...one, title: name })),
        };
  });
}

/** An instant query of a table panel answers with a table whatever its format. */
function isTable(target: Target, panel: Panel): boolean {
  return (
    target.source === "prometheus" &&
    (target.format === "table" || (target.instant && panel.type === "table"))
  );
}

async function loadTarget(
  target: Target,
  panel: Panel,
  shown: Shown,
  points: number,
  several: boolean,
  context: PanelContext,
  signal: AbortSignal,
): Promise<Partial<Loaded>> {
  const steps = targetSteps(shown, panel, target, points, context);
  const query = await targetQuery(target, panel, shown, steps, context, signal);
  switch (target.source) {
    case "logs":
      return loadLines(target, panel, query, shown, steps, signal);
    case "traces":
      return { traces: await loadTraces(target, shown, context, signal) };
    default:
      return loadMetrics({ target, panel, query, shown, steps, several, context }, signal);
  }
}

interface Asked {
  target: Target;
  panel: Panel;
  query: string;
  shown: Shown;
  steps: Steps;
  several: boolean;
  context: PanelContext;
}

async function loadMetrics(asked: Asked, signal: AbortSignal): Promise<Partial<Loaded>> {
  const { target, panel, query, shown, steps, context } = asked;
  const legend = replaceVariables(target.legend_format, context.values, "text");
  const queries = [{ expr: query, legend: legend === AUTO_LEGEND ? "" : legend }];
  const table = isTable(target, panel);
  const most = table ? MOST_ROWS : MOST_SERIES;
  const told = (warnings: string[]): string[] =>
    warnings.map((one) =>
      one === TRUNCATED
        ? `Query ${target.ref_id} has more than ${String(most)} series; the rest is left out`
        : one,
    );
  if (target.instant) {
    const { data, warnings } = await evaluate(query, shown.to / 1000, most, signal);
    const samples: VectorSample[] =
      data.resultType === "vector"
        ? data.result
        : data.resultType === "matrix"
          ? data.result.flatMap(newest)
          : [{ metric: {}, value: data.result }];
    return { warnings: told(warnings), frames: instantFrames(samples, asked), queries };
  }
  const [{ data, warnings }, exemplars] = await Promise.all([
    evaluateRange(query, steps, most, signal),
    target.exemplar ? loadExemplars(query, shown, signal) : [],
  ]);
  const frames = table ? [rangeTable(data, asked)] : rangeFrames(data, asked);
  const rows = table ? data.reduce((sum, { values = [] }) => sum + values.length, 0) : 0;
  if (rows > MOST_ROWS) {
    warnings.push(
      `Query ${target.ref_id} has ${String(rows)} rows; the first ${String(MOST_ROWS)} are shown`,
    );
  }
  const histograms = data.filter((one) => one.histograms !== undefined);
  return { frames, exemplars, warnings: told(warnings), histograms, queries };
}

function newest({ metric, values = [] }: MatrixSeries): VectorSample[] {
  const last = values.at(-1);
  return last === undefined ? [] : [{ metric, value: last }];
}

/** Returns some exemplars for each part of a range. */
export async function loadExemplars(query: string, shown: Shown, signal: AbortSignal): Promise<Exemplar[]> {
  return thinned(await findExemplars(query, shown, signal), shown.from / 1000, shown.to / 1000);
}

/**
 * Returns the exemplars that lead to a trace; an expression may have none, or the server none at all: the graph is shown
 * all the same.
 */
export async function findExemplars(query: string, shown: Shown, signal: AbortSignal): Promise<Exemplar[]> {
  const [start, end] = [shown.from / 1000, shown.to / 1000];
  try {
    const found = await queryExemplars(query, { start, end }, signal);
    return found.flatMap(({ seriesLabels, exemplars: several }) =>
      several.flatMap(({ labels, value, timestamp }): Exemplar[] => {
        const traceId = labels["trace_id"] ?? labels["traceID"] ?? labels["traceId"] ?? "";
        const spanId = labels["span_id"] ?? labels["spanID"] ?? labels["spanId"] ?? "";
        return traceId === ""
          ? []
          : [
              {
                at: timestamp,
                value: Number(value),
                traceId,
                spanId,
                labels: { ...seriesLabels, ...labels },
              },
            ];
      }),
    );
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    return [];
  }
}

function named(metric: Labels, { target, context, shown, steps, query }: Asked): string {
  const legend = replaceVariables(
    target.legend_format,
    context.values,
    "text",
    builtIns(shown, steps.step, context),
  );
  return legendName(legend, metric, target.expr === "" ? query : target.expr);
}

/** What is drawn over time or counted has no place for infinity; a single value may be it. */
const FINITE: PanelType[] = ["timeseries", "heatmap"];

/** Makes a frame of each series, all of them on the steps of the range; a step without a number is a gap. */
export function rangeFrames(result: MatrixSeries[], asked: Asked): DataFrame[] {
  const { steps, target, panel } = asked;
  const { start, step, end } = steps;
  const count = Math.max(0, Math.round((end - start) / step)) + 1;
  const times = Array.from({ length: count }, (_, i) => Math.round((start + i * step) * 1000));
  const time = makeField("Time", "time", times, panel.field);
  const finite = FINITE.includes(panel.type);
  return result
    .filter((one) => one.values !== undefined)
    .map(({ metric, values = [] }) => {
      const laid = new Array<number | null>(count).fill(null);
      for (const [at, text] of values) {
        const index = Math.round((at - start) / step);
        const value = sampleValue(text);
        const isShown = finite ? Number.isFinite(value) : !Number.isNaN(value);
        if (index >= 0 && index < count && isShown) {
          laid[index] = value;
        }
      }
      return seriesFrame(target.ref_id, named(metric, asked), time, laid, metric, panel);
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function seriesFrame(
  refId: string,
  name: string,
  time: Field,
  values: Cell[],
  labels: Labels,
  panel: Panel,
): DataFrame {
  return {
    refId,
    name,
    fields: [time, makeField("Value", "number", values, panel.field, { labels, title: name })],
  };
}

function instantFrames(samples: VectorSample[], asked: Asked): DataFrame[] {
  const { target, panel } = asked;
  const present = samples.filter((one) => one.value !== undefined);
  if (isTable(target, panel)) {
    return [
      table(
        present.map(({ metric, value = [0, ""] }) => ({ metric, at: value[0], value: value[1] })),
        asked,
      ),
    ];
  }
  return present.map(({ metric, value = [0, ""] }) =>
    seriesFrame(
      target.ref_id,
      named(metric, asked),
      makeField("Time", "time", [value[0] * 1000], panel.field),
      [numberOrNull(value[1])],
      metric,
      panel,
    ),
  );
}

function rangeTable(result: MatrixSeries[], asked: Asked): DataFrame {
  const rows = result.flatMap(({ metric, values = [] }) =>
    values.map(([at, value]) => ({ metric, at, value })),
  );
  return table(rows.slice(0, MOST_ROWS), asked);
}

/** Makes a table with a column for the time, each label and the value, as Grafana names them. */
export function table(
  rows: { metric: Labels; at: number; value: string }[],
  { target, panel, several }: Asked,
): DataFrame {
  const labels = [...new Set(rows.flatMap((row) => Object.keys(row.metric)))].sort();
  const value = several ? `Value #${target.ref_id}` : "Value";
  return {
    refId: target.ref_id,
    name: "",
    fields: [
      makeField(
        "Time",
        "time",
        rows.map((row) => Math.round(row.at * 1000)),
        panel.field,
      ),
      ...labels.map((label) =>
        makeField(
          label,
          "string",
          rows.map((row) => row.metric[label] ?? null),
          panel.field,
        ),
      ),
      makeField(
        value,
        "number",
        rows.map((row) => numberOrNull(row.value)),
        panel.field,
      ),
    ],
  };
}

function numberOrNull(text: string): number | null {
  const value = sampleValue(text);
  return Number.isNaN(value) ? null : value;
}

async function loadLines(
  target: Target,
  panel: Panel,
  query: string,
  shown: Shown,
  steps: Steps,
  signal: AbortSignal,
): Promise<Partial<Loaded>> {
  const range = { query, start_ms: Math.floor(shown.from), end_ms: Math.ceil(shown.to) };
  if (target.logs === "lines" && panel.type !== "timeseries") {
    return { lines: await searchLogs({ ...range, limit: MOST_LINES }, signal), searches: [query] };
  }
  const step = Math.max(1, Math.round(steps.step * 1000));
  const { buckets, step_ms: width } = await getLogHistogram({ ...range, step_ms: step }, signal);
  const first = Math.floor(range.start_ms / width) * width;
  const count = Math.max(1, Math.ceil((range.end_ms - first) / width));
  const time = makeField(
    "Time",
    "time",
    Array.from({ length: count }, (_, i) => first + i * width),
    panel.field,
  );
  const values = new Array<number>(count).fill(0);
  for (const bucket of buckets) {
    const index = Math.round((bucket.time_ms - first) / width);
    if (index >= 0 && index < count) {
      values[index] = bucket.lines;
    }
  }
  const name = target.legend_format === "" ? "Lines" : target.legend_format;
  return { frames: [seriesFrame(target.ref_id, name, time, values, {}, panel)], searches: [query] };
}

async function loadTraces(
  target: Target,
  shown: Shown,
  context: PanelContext,
  signal: AbortSignal,
): Promise<TraceSummary[]> {
  const search = target.traces;
  if (search === null) {
    return [];
  }
  const fill = (text: string): string => replaceVariables(text, context.values);
  const traceId = fill(search.trace_id);
  if (traceId !== "") {
    const { spans, ...trace } = await getTrace(traceId, signal);
    const [root] = spans;
    return [
      {
        ...trace,
        root_service: root?.service ?? "",
        root_name: root?.name ?? "",
        span_count: spans.length,
        error_count: spans.filter((span) => span.status === "error").length,
        orphan_count: spans.filter((span) => span.orphan).length,
      },
    ];
  }
  return searchTraces(
    {
      service: fill(search.service),
      name: fill(search.operation),
      attribute: search.attributes.map(fill),
      min_duration_ms: parseDuration(fill(search.min_duration)),
      max_duration_ms: parseDuration(fill(search.max_duration)),
      start_ms: Math.floor(shown.from),
      end_ms: Math.ceil(shown.to),
      limit: search.limit,
    },
    signal,
  );
}
