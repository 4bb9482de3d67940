/** The time range of a view, as it stands in the URL: `range=15m`, or `from` and `to` in Unix milliseconds. */

import { clockTime, dateTime, dayOf, span } from "../format/time";

export interface RelativeRange {
  kind: "last";
  ms: number;
}

export interface AbsoluteRange {
  kind: "between";
  from: number;
  to: number;
}

export type TimeRange = RelativeRange | AbsoluteRange;

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** Of a relative range: a year. */
export const LONGEST_MS = 366 * 86_400_000;

export const PRESETS = ["5m", "15m", "30m", "1h", "3h", "6h", "12h", "24h", "2d", "7d", "30d"] as const;

/** Returns milliseconds, or null where the text is not a range such as "15m" of at most a year. */
export function parseSpan(text: string): number | null {
  const match = /^(\d{1,6})([smhdw])$/.exec(text);
  const ms = match === null ? 0 : Number(match[1]) * (UNITS[match[2] ?? ""] ?? 0);
  return ms > 0 && ms <= LONGEST_MS ? ms : null;
}

/** Writes milliseconds in the largest unit that divides them, in whole seconds. */
export function writeSpan(ms: number): string {
  if (ms === 86_400_000) {
    return "24h"; // as the presets write it
  }
  for (const unit of ["d", "h", "m"]) {
    const size = UNITS[unit] ?? 1;
    if (ms >= size && ms % size === 0) {
      return `${String(ms / size)}${unit}`;
    }
  }
  return `${String(Math.max(1, Math.round(ms / 1000)))}s`;
}

/**
 * Reads the range from a query string; what is missing or makes no sense gives the default.
 *
 * Grafana's addresses are read too: `from=now-6h&to=now`, and moments as dates.
 */
export function parseRange(query: URLSearchParams, defaultMs: number): TimeRange {
  const [start, end] = [query.get("from") ?? "", query.get("to") ?? "now"];
  const [from, to] = [moment(start), moment(end)];
  if (from !== null && to !== null && from !== to) {
    // Who has put the end first means the same time.
    return { kind: "between", from: Math.min(from, to), to: Math.max(from, to) };
  }
  const span =
    parseSpan(query.get("range") ?? "") ?? (end === "now" ? parseSpan(start.replace(/^now-/, "")) : null);
  return { kind: "last", ms: span ?? defaultMs };
}

/** The parameters that set a range; null removes one. */
export function rangeParams(range: TimeRange): Record<"range" | "from" | "to", string | null> {
  if (range.kind === "between") {
    return { range: null, from: String(Math.round(range.from)), to: String(Math.round(range.to)) };
  }
  return { range: writeSpan(range.ms), from: null, to: null };
}

/** The parameters of a range that has what lasts from one time to another, and so many milliseconds on either side. */
export function rangeAround(from: number, to: number, ms: number): { from: string; to: string } {
  return { from: String(Math.floor(from - ms)), to: String(Math.ceil(to + ms)) };
}

/** The parameters that set a range to the times that it has now, so that it is the same whenever it is looked at. */
export function fixedParams(range: TimeRange, now: number): ReturnType<typeof rangeParams> {
  return rangeParams({ kind: "between", ...resolveRange(range, now) });
}

export function resolveRange(range: TimeRange, now: number): { from: number; to: number } {
  return range.kind === "between" ? range : { from: now - range.ms, to: now };
}

/** Returns a range with another width: around the middle of an absolute one, up to now of a relative one. */
export function zoomed(range: TimeRange, now: number, factor: number): TimeRange {
  const { from, to } = resolveRange(range, now);
  const width = Math.max((to - from) * factor, 1000);
  if (range.kind === "last") {
    return { kind: "last", ms: Math.min(Math.round(width / 1000) * 1000, LONGEST_MS) };
  }
  const middle = (from + to) / 2;
  // Not further into the future than it was.
  const latest = Math.max(to, now);
  return { kind: "between", from: Math.max(middle - width / 2, 0), to: Math.min(middle + width / 2, latest) };
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400];

/** The times of a range query, in seconds. */
export interface Steps {
  start: number;
  end: number;
  step: number;
}

/** Returns the steps of a range query of about so many points, aligned to the step. */
export function querySteps(range: { from: number; to: number }, points = 240): Steps {
  const wanted = (range.to - range.from) / 1000 / points;
  return alignedSteps(range, STEPS.find((one) => one >= wanted) ?? Math.ceil(wanted / 86400) * 86400);
}

/** Returns the steps in a range that are whole multiples of one; where there are not two of them, its bounds. */
export function alignedSteps(range: { from: number; to: number }, step: number): Steps {
  const [from, to] = [range.from / 1000, range.to / 1000];
  const [start, end] = [Math.ceil(from / step) * step, Math.floor(to / step) * step];
  return start < end ? { start, end, step } : { start: from, end: to, step };
}

/** An hour of rules whose time runs so many times as fast, in milliseconds; at least two minutes. */
export function ruleHour(timeFactor: number): number {
  return Math.max(120_000, Math.round(3_600_000 / timeFactor));
}

/**
 * Returns the window of a rate in seconds, as Grafana's `$__rate_interval` has it.
 *
 * Four scrapes, so that a lost one leaves a rate; and no step falls between two of its windows.
 */
export function rateWindow(step: number, scrape: number): number {
  return Math.max(step + scrape, 4 * scrape);
}

/** Unix milliseconds, or a date of ISO 8601. */
function moment(text: string): number | null {
  const ms = /^\d{4}-\d\d-/.test(text)
    ? Date.parse(text)
    : /^\d{1,15}$/.test(text)
      ? Number(text)
      : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** Moves a range by a part of its width; a relative one becomes absolute, since it no longer ends now. */
export function shifted(range: TimeRange, now: number, by: number): TimeRange {
  const { from, to } = resolveRange(range, now);
  const shift = (to - from) * by;
  return { kind: "between", from: from + shift, to: to + shift };
}

/** Names a range by what it spans, such as "Last 15 min" or "2026-11-22 14:00:00 to 15:00:00". */
export function describeRange(range: TimeRange): string {
  if (range.kind === "last") {
    return `Last ${span(range.ms / 1000)}`;
  }
  const sameDay = dayOf(range.from) === dayOf(range.to);
  return `${dateTime(range.from)} to ${sameDay ? clockTime(range.to) : dateTime(range.to)}`;
}
