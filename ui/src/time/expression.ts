/** Time ranges as people type or paste them: "45m", "now-6h to now-3h", "yesterday", two moments, one moment. */

import { momentOf, parseTime, wallTime } from "../format/time";
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
  const trimmed = text.trim().toLowerCase();
  const pasted = fromJson(trimmed);
  if (pasted !== null) {
    return parseExpression(pasted, now);
  }
  const length = parseLength(trimmed.replace(/^(the )?last\s+/, ""));
  if (length !== null) {
    return last(length);
  }
  const day = namedDays(trimmed, now);
  if (day !== null) {
    return day;
  }
  const sides = trimmed.split(/\s+(?:to|until|-|–|—)\s+|\s*(?:\.\.\.?|–|—|→)\s*/);
  if (sides.length === 1) {
    const at = parseMoment(trimmed, now);
    if (at === null || trimmed === "now") {
      return null;
    }
    return /^(now)?-/.test(trimmed) && at < now
      ? last(now - at)
      : between(at - AROUND_MS, Math.min(at + AROUND_MS, Math.max(now, at + 1)));
  }
  const [begin = "", end = ""] = sides;
  const from = parseMoment(begin, now);
  const to = from === null ? null : parseMoment(end, now, from);
  if (sides.length > 2 || from === null || to === null) {
    return null;
  }
  return end === "now" && /^(now)?-/.test(begin) ? last(now - from) : between(from, to);
}

/** Writes a range as it is understood anywhere, whatever the zone of who pastes it. */
export function writeExpression(range: TimeRange): string {
  return range.kind === "last"
    ? `now-${String(Math.round(range.ms / 1000))}s to now`
    : `${new Date(range.from).toISOString()} to ${new Date(range.to).toISOString()}`;
}

function last(ms: number): TimeRange | null {
  const whole = Math.round(ms / 1000) * 1000;
  return whole > 0 && whole <= LONGEST_MS ? { kind: "last", ms: whole } : null;
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

/** One moment: now, some time before it, a date, a time of day (of the day of `after`, or today), or Unix time. */
function parseMoment(text: string, now: number, after = now): number | null {
  if (text === "now") {
    return now;
  }
  const back = /^(?:now\s*)?-\s*(.+)$/.exec(text) ?? /^(.+) ago$/.exec(text);
  if (back !== null) {
    const length = parseLength(back[1] ?? "");
    return length === null ? null : now - length;
  }
  if (/^\d{10}(\.\d{1,3})?$/.test(text)) {
    return Math.round(Number(text) * 1000);
  }
  if (/^\d{13}$/.test(text)) {
    return Number(text);
  }
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (clock !== null) {
    const { year, month, day } = wallTime(after);
    const [date, time] = [
      [year, month, day].map((one) => String(one).padStart(2, "0")).join("-"),
      text.padStart(text.indexOf(":") === 1 ? text.length + 1 : text.length, "0"),
    ];
    return parseTime(`${date.padStart(10, "0")} ${time}`);
  }
  return parseTime(text);
}

function namedDays(text: string, now: number): TimeRange | null {
  const wall = wallTime(now);
  const midnight = (daysBack: number): number => momentOf({ ...date(wall), day: wall.day - daysBack });
  const weekday = (new Date(Date.UTC(wall.year, wall.month - 1, wall.day)).getUTCDay() + 6) % 7;
  switch (text) {
    case "today":
      return between(midnight(0), now);
    case "yesterday":
      return between(midnight(1), midnight(0));
    case "this week":
      return between(midnight(weekday), now);
    case "last week":
    case "previous week":
      return between(midnight(weekday + 7), midnight(weekday));
    case "this hour":
      return between(momentOf({ ...date(wall), hour: wall.hour }), now);
    default:
      return null;
  }
}

function date({ year, month, day }: { year: number; month: number; day: number }) {
  return { year, month, day };
}

/** What Grafana's time picker copies: {"from": "now-1h", "to": "now"}. */
function fromJson(text: string): string | null {
  if (!text.startsWith("{")) {
    return null;
  }
  try {
    const { from, to } = JSON.parse(text) as { from?: unknown; to?: unknown };
    return typeof from === "string" && typeof to === "string" ? `${from} to ${to}` : null;
  } catch {
    return null;
  }
}
