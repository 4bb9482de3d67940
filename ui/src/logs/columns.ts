/** The columns of a histogram of lines: where each stands in the range, and the levels in it one above the other. */

import type { LogHistogram } from "../api/logs";
import { behindUtc } from "../format/time";
import { inOrder, toneNamed, type Tone } from "./levels";

export interface Part {
  tone: Tone;
  level: string;
  lines: number;
  /** Lines below it in the same column. */
  below: number;
}

export interface Column {
  /** Unix milliseconds; `to` is where the next one begins. */
  from: number;
  to: number;
  lines: number;
  /** From below: the worst levels stand on the ground, so that a few of them are seen. */
  parts: Part[];
}

export function columnsOf(data: LogHistogram): Column[] {
  return data.buckets.map((bucket) => {
    let below = 0;
    const parts = inOrder(bucket.levels).map(([level, lines]) => {
      const part = { tone: toneNamed(level), level, lines, below };
      below += lines;
      return part;
    });
    return { from: bucket.time_ms, to: bucket.time_ms + data.step_ms, lines: bucket.lines, parts };
  });
}

/** Returns the lines of each level over all columns, the highest level first. */
export function levelTotals(data: LogHistogram): [string, number][] {
  const totals: Record<string, number> = {};
  for (const bucket of data.buckets) {
    for (const [level, lines] of Object.entries(bucket.levels)) {
      totals[level] = (totals[level] ?? 0) + lines;
    }
  }
  return inOrder(totals);
}

const STEPS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
];

const DAY_MS = 86_400_000;

/** Returns at most `most` readable moments within a range, in the reader's zone, Unix milliseconds. */
export function ticks(from: number, to: number, most: number): number[] {
  const wanted = (to - from) / 1000 / Math.max(1, most);
  const step = (STEPS_S.find((one) => one >= wanted) ?? Math.ceil(wanted / 604800) * 604800) * 1000;
  const offset = behindUtc(from);
  const found: number[] = [];
  let at = from;
  for (let wall = Math.ceil((from - offset) / step) * step; at <= to; wall += step) {
    // Days begin at midnight, also those after the clocks were changed.
    at = wall + (step < DAY_MS ? offset : behindUtc(wall + offset));
    if (at >= from && at <= to) {
      found.push(at);
    }
  }
  return found;
}

/** Returns a readable number at or above another: the top of a scale. */
export function niceTop(value: number): number {
  if (value <= 5) {
    return Math.max(1, Math.ceil(value));
  }
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((one) => one * power >= value) ?? 10) * power;
}
