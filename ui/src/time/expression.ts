/** Time ranges as people type or paste them: "45m", "now-6h to now-3h", "yesterday", two moments, one moment. */

import { momentOf, parseTime, wallTime } from "../format/time";
import { mathMoment, weekday } from "./math";
import { pastedRange } from "./pasted";
import { type TimeRange, LONGEST_MS } from "./range";

const UNITS: [RegExp, number][] = [
  [/^(s|secs?|seconds?)$/, 1000],
  [/^(m|mins?|minutes?)$/, 60_000],
  [/^(h|hrs?|hours?)$/, 3_600_000],
  [/^(d|days?)$/, 86_400_000],
  [/^(w|weeks?)$/, 7 * 86_400_000],
];
/** On either side of a moment that was given alone. */
const AROUND_MS = 5 * 60_000;

/**
 * Reads a range; null where the text is none, or where it ends before it begins.
 *
 * What counts back from now to now stays relative; all else is absolute, so that a link to it shows the same later.
 * Times without a zone are of the one that the reader has chosen.
 */
export function parseExpression(text: string, now: number): TimeRange | null {
  const trimmed = text.trim();
  const pasted = pastedRange(trimmed);
  if (pasted !== null) {
    return pasted === trimmed ? null : parseExpression(pasted, now);
  }
  const length = parseLength(trimmed.toLowerCase().replace(/^(the )?last\s+/, ""));
  if (length !== null) {
    return last(length, now);
  }
  const day = namedDays(trimmed.toLowerCase(), now) ?? wholeDay(trimmed, now);
  if (day !== null) {
    return day;
  }
  const sides = trimmed.split(/\s+(?:to|until|-|–|—)\s+|\s*(?:\.\.\.?|–|—|→|(?<=\d|Z)\/(?=\d{4}-))\s*/i);
  if (sides.length === 1) {
    const at = parseMoment(trimmed, now);
    if (at === null || trimmed.toLowerCase() === "now") {
      return null;
    }
    return countsBack(trimmed) && at < now
      ? last(now - at, now)
      : between(at - AROUND_MS, Math.min(at + AROUND_MS, Math.max(now, at + 1)));
  }
  const [begin = "", end = ""] = sides;
  const from = parseMoment(begin, now);
  const to = from === null ? null : parseMoment(end, now, from, true);
  if (sides.length > 2 || from === null || to === null) {
    return null;
  }
  return end.toLowerCase() === "now" && countsBack(begin) ? last(now - from, now) : between(from, to);
}

/** Writes a range as it is understood anywhere, whatever the zone of who pastes it. */
export function writeExpression(range: TimeRange): string {
  return range.kind === "last"
    ? `now-${String(Math.round(range.ms / 1000))}s to now`
    : `${new Date(range.from).toISOString()} to ${new Date(range.to).toISOString()}`;
}

/** Whether a text counts back from now by a length that stays, and not to where a day or an hour begins. */
function countsBack(text: string): boolean {
  return /^(now)?\s*-[^/]*$/i.test(text);
}

/** What is longer than a relative range may be counts back from now for once. */
function last(ms: number, now: number): TimeRange | null {
  const whole = Math.round(ms / 1000) * 1000;
  if (whole > LONGEST_MS) {
    return between(now - whole, now);
  }
  return whole > 0 ? { kind: "last", ms: whole } : null;
}

function between(from: number, to: number): TimeRange | null {
  return from < to && from >= 0 ? { kind: "between", from, to } : null;
}

/** "1h30m", "2 hours", "90 s"; milliseconds, or null. */
function parseLength(text: string): number | null {
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*)+$/.test(text)) {
    return null;
  }
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const size = UNITS.find(([names]) => names.test(unit ?? ""))?.[1];
    if (size === undefined) {
      return null;
    }
    total += Number(count) * size;
  }
  return total > 0 ? total : null;
}

/**
 * One moment: now, some time before it, as Grafana writes it, a date, a time of day (of the day of `after`, or today), or
 * Unix time in seconds, milliseconds, microseconds or nanoseconds.
 */
function parseMoment(text: string, now: number, after = now, isEnd = false): number | null {
  const math = mathMoment(text, now, isEnd);
  if (math !== null) {
    return math;
  }
  const lower = text.toLowerCase();
  const back = /^(?:now\s*)?-\s*(.+)$/.exec(lower) ?? /^(.+) ago$/.exec(lower);
  if (back !== null) {
    const length = parseLength(back[1] ?? "");
    return length === null ? null : now - length;
  }
  if (/^\d{10}(\.\d{1,9})?$/.test(text)) {
    return Math.round(Number(text) * 1000);
  }
  const digits = /^\d+$/.test(text) ? text.length : 0;
  if (digits === 13 || digits === 16 || digits === 19) {
    return Number(text.slice(0, 13));
  }
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?$/.exec(text);
  if (clock !== null) {
    const { year, month, day } = wallTime(after);
    const two = (value: number): string => String(value).padStart(2, "0");
    return parseTime(`${String(year).padStart(4, "0")}-${two(month)}-${two(day)} ${text}`);
  }
  return parseTime(text);
}

/** A date alone is that day, as far as it has come. */
function wholeDay(text: string, now: number): TimeRange | null {
  const from = /^\d{4}-\d{2}-\d{2}$/.test(text) ? parseTime(text) : null;
  if (from === null) {
    return null;
  }
  const wall = wallTime(from);
  const to = momentOf({ ...date(wall), day: wall.day + 1 });
  return between(from, from < now ? Math.min(to, now) : to);
}

function namedDays(text: string, now: number): TimeRange | null {
  const wall = wallTime(now);
  const midnight = (daysBack: number): number => momentOf({ ...date(wall), day: wall.day - daysBack });
  const sinceMonday = weekday(wall.year, wall.month, wall.day);
  switch (text) {
    case "today":
      return between(midnight(0), now);
    case "yesterday":
      return between(midnight(1), midnight(0));
    case "this week":
      return between(midnight(sinceMonday), now);
    case "last week":
    case "previous week":
      return between(midnight(sinceMonday + 7), midnight(sinceMonday));
    case "this hour":
      return between(momentOf({ ...date(wall), hour: wall.hour }), now);
    default:
      return null;
  }
}

function date({ year, month, day }: { year: number; month: number; day: number }) {
  return { year, month, day };
}
