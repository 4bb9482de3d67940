/** What a panel asks: its range of time, its step, and its queries with their variables replaced. */

import { scaleQuery, type Dashboard, type Panel, type Target } from "../api/dashboards";
import { formatValue } from "../format/number";
import { span } from "../format/time";
import { rateWindow, resolveRange, type TimeRange } from "../time/range";
import type { AnnotationMark } from "./annotations";
import { replaceVariables, type BuiltIn, type Format, type Values } from "./variables";

/** What a panel is given by the dashboard that it stands in. */
export interface PanelContext {
  dashboard: Dashboard;
  /** What is chosen of the variables; in a repeated panel or row with its own. */
  values: Values;
  /** A text that changes when `values` do: for the keys of polls. */
  key: string;
}

/** What the dashboard's view gives the view of a panel. */
export interface PanelProps {
  panel: Panel;
  range: TimeRange;
  /** Milliseconds between two refreshes. */
  every: number;
  context: PanelContext;
  /** Moments and periods drawn over every chart of time. */
  marks: AnnotationMark[];
  /** The panel has the view to itself. */
  full: boolean;
  /** Gives the panel the view to itself, or leaves that. */
  onfull: () => void;
  /** The pointer or the focus is, or was last, in it. */
  pointed: boolean;
  onzoom: (fromMs: number, toMs: number) => void;
}

export interface Shown {
  /** Unix milliseconds. */
  from: number;
  to: number;
}

/** The range that a panel shows, which may be another than the dashboard's. */
export interface PanelTime extends Shown {
  /** Milliseconds by which it is shifted. */
  earlier: number;
  /** What is said of it. */
  note: string;
}

export interface Steps {
  /** Unix seconds; the step too is in seconds of real time. */
  start: number;
  end: number;
  step: number;
}

const UNIT_SECONDS: Record<string, number> = {
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  M: 2_592_000,
  y: 31_536_000,
};

/** Reads a duration as Grafana writes it, such as "30s" or "1h30m", in seconds; null where it is none. */
export function readSeconds(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|[smhdwMy]))+$/.test(text)) {
    return null;
  }
  let seconds = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwMy])/g)) {
    seconds += Number(count) * (UNIT_SECONDS[unit ?? ""] ?? 0);
  }
  return seconds > 0 ? seconds : null;
}

/** Writes seconds as a PromQL duration. */
export function writeSeconds(seconds: number): string {
  const ms = Math.max(1, Math.round(seconds * 1000));
  if (ms % 1000 !== 0) {
    return ms > 1000 ? `${String(Math.floor(ms / 1000))}s${String(ms % 1000)}ms` : `${String(ms)}ms`;
  }
  for (const [unit, size] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
  ] as const) {
    if (ms >= size && ms % size === 0) {
      return `${String(ms / size)}${unit}`;
    }
  }
  return `${String(ms / 1000)}s`;
}

/**
 * Returns the range that a panel shows, with a note where it is not the dashboard's.
 *
 * Durations of the file are as written: where time runs faster they are divided.
 */
export function panelRange(panel: Panel, range: TimeRange, now: number, context: PanelContext): PanelTime {
  const expand = (text: string): string => replaceVariables(text, context.values);
  const notes: string[] = [];
  let shown: Shown = resolveRange(range, now);
  const width = readSeconds(expand(panel.time_from).replace(/^now-/, ""));
  // Another width makes sense up to now only, as in Grafana.
  if (width !== null && range.kind === "last") {
    shown = { from: now - (width * 1000) / context.dashboard.time_factor, to: now };
    notes.push(`last ${span(width)}`);
  }
  const shift = readSeconds(expand(panel.time_shift).replace(/^(now)?-/, ""));
  const earlier = ((shift ?? 0) * 1000) / context.dashboard.time_factor;
  if (shift !== null) {
    shown = { from: shown.from - earlier, to: shown.to - earlier };
    notes.push(`${span(shift)} earlier`);
  }
  return { ...shown, earlier, note: panel.hide_time_override ? "" : notes.join(", ") };
}

const NICE = [
  0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800,
  21_600, 43_200, 86_400, 172_800, 604_800,
];
const MOST_POINTS = 10_000;

/**
 * Returns the steps of a target's query over a range, aligned to the step.
 *
 * @param points how many of them there should be, such as the panel's width in pixels; the panel's own limit holds.
 */
export function targetSteps(
  shown: Shown,
  panel: Pick<Panel, "interval" | "max_data_points">,
  target: Pick<Target, "interval" | "interval_factor">,
  points: number,
  context: PanelContext,
): Steps {
  const width = (shown.to - shown.from) / 1000;
  const count = Math.min(Math.max(panel.max_data_points ?? points, 1), MOST_POINTS);
  const wanted = width / count;
  const nice = NICE.find((one) => one >= wanted * 0.999) ?? Math.ceil(wanted / 604_800) * 604_800;
  const least = leastStep(panel, target, context) / context.dashboard.time_factor;
  const step = Math.max(Math.max(nice, least) * Math.max(target.interval_factor, 1), width / MOST_POINTS);
  const end = Math.floor(shown.to / 1000 / step) * step;
  const start = Math.ceil(shown.from / 1000 / step) * step;
  // A range without two steps in it is asked for its end: a multiple of the step may be long before it.
  return start < end ? { start, end, step } : { start: shown.to / 1000, end: shown.to / 1000, step };
}

/** In seconds as written: of the target, of the panel, or else one scrape. */
function leastStep(
  panel: Pick<Panel, "interval">,
  target: Pick<Target, "interval">,
  context: PanelContext,
): number {
  for (const text of [target.interval, panel.interval]) {
    const expanded = replaceVariables(text, context.values, "plain", (name) =>
      name === "__interval" || name === "__rate_interval"
        ? writeSeconds(context.dashboard.scrape_interval)
        : undefined,
    );
    const seconds = readSeconds(expanded.replace(/^[>=\s]+/, ""));
    if (seconds !== null) {
      return seconds;
    }
  }
  return context.dashboard.scrape_interval;
}

/**
 * Gives the names that Grafana fills in by itself in a query.
 *
 * The texts are as written, so they are in the time of the file: where time runs faster, a second of it is less.
 */
export function builtIns(shown: Shown, step: number, context: PanelContext, scrape?: number): BuiltIn {
  const { dashboard } = context;
  const interval = step * dashboard.time_factor;
  const width = ((shown.to - shown.from) / 1000) * dashboard.time_factor;
  const rate = rateWindow(interval, scrape ?? dashboard.scrape_interval);
  return (name, path, format) => {
    switch (name) {
      case "__interval":
        return writeSeconds(interval);
      case "__interval_ms":
        return String(Math.round(interval * 1000));
      case "__rate_interval":
        return writeSeconds(rate);
      case "__rate_interval_ms":
        return String(Math.round(rate * 1000));
      case "__range":
        return writeSeconds(Math.round(width) || width);
      case "__range_s":
        return String(Math.round(width));
      case "__range_ms":
        return String(Math.round(width * 1000));
      case "__from":
        return moment(shown.from, format);
      case "__to":
        return moment(shown.to, format);
      case "__dashboard":
        return path === "uid" ? dashboard.uid : dashboard.title;
      default:
        return undefined;
    }
  };
}

function moment(ms: number, format: string): string {
  const form = /^date(?::(.*))?$/.exec(format);
  if (form === null) {
    return String(Math.round(ms));
  }
  switch (form[1] ?? "") {
    case "":
    case "iso":
      return new Date(ms).toISOString();
    case "seconds":
      return String(Math.floor(ms / 1000));
    default:
      return formatValue(Math.round(ms), `time:${form[1] ?? ""}`);
  }
}

/** Replaces what a text for people holds: a title, a name, a legend. */
export function expandText(text: string, context: PanelContext, shown?: Shown): string {
  const given = shown === undefined ? undefined : builtIns(shown, 0, context);
  return replaceVariables(text, context.values, "text", given);
}

/**
 * Returns the query that a target asks: variables replaced, and durations divided where time runs faster.
 *
 * Rejects with an Error that can be shown where a variable is not known or the query does not parse.
 */
export async function targetQuery(
  target: Target,
  panel: Pick<Panel, "interval">,
  shown: Shown,
  steps: Steps,
  context: PanelContext,
  signal: AbortSignal,
): Promise<string> {
  const format: Format = target.source === "prometheus" ? "prometheus" : "lucene";
  const given = builtIns(shown, steps.step, context, leastStep(panel, target, context));
  const query = replaceVariables(target.expr, context.values, format, given);
  return target.source === "prometheus" ? scaled(query, context.dashboard, signal) : query;
}

const known = new Map<string, string>();
const MOST_KNOWN = 1000;

/** Divides a query's durations by the observatory's time factor; each text is asked for once. */
export async function scaled(
  query: string,
  dashboard: Pick<Dashboard, "time_factor">,
  signal: AbortSignal,
): Promise<string> {
  if (dashboard.time_factor === 1) {
    return query;
  }
  const before = known.get(query);
  if (before !== undefined) {
    return before;
  }
  const answer = await scaleQuery(query, signal);
  if (known.size >= MOST_KNOWN) {
    known.clear();
  }
  known.set(query, answer);
  return answer;
}
