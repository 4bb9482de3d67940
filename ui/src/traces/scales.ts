/** The axes of the charts over what a search found: durations by powers of ten, and time. */

import type { DurationBucket } from "../api/traces";
import { behindUtc } from "../format/time";

export interface Bar {
  /** Milliseconds; 0 for what is shorter than all bounds, null for what is longer than all. */
  from: number;
  to: number | null;
  spans: number;
}

/** Returns the buckets from the first to the last that has spans; none where no span was found. */
export function bars(durations: DurationBucket[]): Bar[] {
  const all = durations.map((bucket, i) => ({
    from: durations[i - 1]?.up_to_ms ?? 0,
    to: bucket.up_to_ms,
    spans: bucket.spans,
  }));
  const first = all.findIndex((bar) => bar.spans > 0);
  const last = all.findLastIndex((bar) => bar.spans > 0);
  return first < 0 ? [] : all.slice(first, last + 1);
}

/** Where bars of one width stand, what duration a place has: by powers of ten within a bar, null beyond all bounds. */
export function durationAt(bars: Bar[], share: number): number | null {
  const place = Math.min(Math.max(share, 0), 1) * bars.length;
  const bar = bars[Math.min(Math.floor(place), bars.length - 1)];
  if (bar === undefined) {
    return null;
  }
  const within = place - bars.indexOf(bar);
  if (bar.to === null) {
    return within <= 0 ? bar.from : null;
  }
  return bar.from === 0 ? bar.to * within : bar.from * (bar.to / bar.from) ** within;
}

/** Where a duration stands on such an axis, as a share of its width. */
export function placeOf(bars: Bar[], ms: number): number {
  const index = bars.findIndex((bar) => bar.to === null || ms <= bar.to);
  const bar = bars[index];
  if (bar === undefined) {
    return 1;
  }
  if (ms <= bar.from) {
    return index / bars.length;
  }
  const within =
    bar.to === null
      ? 1
      : bar.from === 0
        ? ms / bar.to
        : Math.log(ms / bar.from) / Math.log(bar.to / bar.from);
  return (index + within) / bars.length;
}

/** A scale of durations by powers of ten. */
export interface LogScale {
  low: number;
  high: number;
}

const SHORTEST_MS = 1e-3;

/** Returns a scale with room around the durations, at least a factor of ten wide. */
export function logScale(durations: number[]): LogScale {
  let low = Infinity;
  let high = SHORTEST_MS;
  for (const ms of durations) {
    low = Math.min(low, Math.max(ms, SHORTEST_MS));
    high = Math.max(high, ms);
  }
  if (low > high) {
    return { low: 1, high: 1000 };
  }
  const room = Math.max(1.15, Math.sqrt(10 / (high / low)));
  return { low: low / room, high: high * room };
}

/** The share of a scale's height at which a duration stands, from below. */
export function shareOf(scale: LogScale, ms: number): number {
  return Math.log(Math.max(ms, SHORTEST_MS) / scale.low) / Math.log(scale.high / scale.low);
}

export function durationOf(scale: LogScale, share: number): number {
  return scale.low * (scale.high / scale.low) ** share;
}

/** Returns round durations within a scale: powers of ten, with 2 and 5 between them where there are few. */
export function logTicks(scale: LogScale): number[] {
  const wide = Math.log10(scale.high / scale.low) > 2.5;
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(scale.low)); power <= Math.log10(scale.high); power += 1) {
    for (const digit of wide ? [1] : [1, 2, 5]) {
      const ms = digit * 10 ** power;
      if (ms >= scale.low && ms <= scale.high) {
        found.push(ms);
      }
    }
  }
  return found;
}

const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
];

/** Returns at most `most` round times, Unix milliseconds, within a range, in the reader's own zone. */
export function timeTicks(from: number, to: number, most: number): number[] {
  const step =
    STEPS_MS.find((one) => (to - from) / one <= most) ??
    Math.ceil((to - from) / most / 86_400_000) * 86_400_000;
  const zone = behindUtc(from);
  const found: number[] = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) {
    found.push(at);
  }
  return found;
}
