/** Moments as Grafana and Kibana write them: `now-6h`, `now/d`, `now-1M/M`. */

import { momentOf, wallTime } from "../format/time";

const SIZES: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const MATH = /^now((?:\s*[+-]\s*\d{1,9}\s*[smhdwMy])*)\s*(?:\/\s*([smhdwMy]))?$/;

/**
 * Returns the moment that such a text means, Unix milliseconds; null where it is none.
 *
 * `M` is months and `m` minutes; any other unit may be in capitals. What is rounded begins at its unit in the reader's
 * zone, and, where it is the end of a range, with the one after it.
 */
export function mathMoment(text: string, now: number, isEnd: boolean): number | null {
  const match = MATH.exec(text.replace(/[A-LN-Z]/g, (letter) => letter.toLowerCase()));
  if (match === null) {
    return null;
  }
  const rounded = match[2];
  let at = now;
  for (const [, sign, count, unit = ""] of (match[1] ?? "").matchAll(/([+-])\s*(\d+)\s*(\w)/g)) {
    const by = Number(count) * (sign === "-" ? -1 : 1);
    // A day is as long as the clock says only where whole days are meant.
    const size = rounded === undefined || "smh".includes(unit) ? SIZES[unit] : undefined;
    at = size === undefined ? moved(at, by, unit) : at + by * size;
  }
  if (rounded !== undefined) {
    at = floor(at, rounded);
    at = isEnd ? ceiling(at, rounded) : at;
  }
  return Number.isFinite(at) ? at : null;
}

/** Moves a moment by days, weeks, months or years of the calendar; the last day of a month stays in it. */
function moved(at: number, by: number, unit: string): number {
  const wall = wallTime(at);
  if (unit === "d" || unit === "w") {
    return momentOf({ ...wall, day: wall.day + by * (unit === "w" ? 7 : 1) });
  }
  const month = wall.month + (unit === "y" ? 12 * by : by);
  const days = new Date(Date.UTC(wall.year, month, 0)).getUTCDate();
  return momentOf({ ...wall, month, day: Math.min(wall.day, days) });
}

function floor(at: number, unit: string): number {
  const { year, month, day, minute, second, millisecond } = wallTime(at);
  switch (unit) {
    case "y":
      return momentOf({ year, month: 1, day: 1 });
    case "M":
      return momentOf({ year, month, day: 1 });
    case "w":
      return momentOf({ year, month, day: day - weekday(year, month, day) });
    case "d":
      return momentOf({ year, month, day });
    // An hour that the clock shows twice is told from the other by what is taken away.
    case "h":
      return at - minute * 60_000 - second * 1000 - millisecond;
    case "m":
      return at - second * 1000 - millisecond;
    default:
      return at - millisecond;
  }
}

/** Returns the begin of the unit after the one that begins at a moment. */
function ceiling(at: number, unit: string): number {
  return "smh".includes(unit) ? at + (SIZES[unit] ?? 0) : moved(at, 1, unit);
}

/** Days since Monday. */
export function weekday(year: number, month: number, day: number): number {
  return (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
}
