/** How long spans work themselves, and what does not fit into its parent. */

import { formatMs } from "../format/number";
import type { Row } from "./waterfall";

/** Times differ by less than a nanosecond where they are the same: milliseconds are fractions here. */
export const SAME_MS = 1e-6;

export function endOf(row: Row): number {
  return row.span.start_ms + Math.max(row.span.duration_ms, 0);
}

/**
 * Returns the milliseconds of each span in which none of its children runs.
 *
 * Children that overlap count once, and only while their parent runs. The children of a span come by their start.
 */
export function selfTimes(rows: Row[]): number[] {
  const own = rows.map((row) => Math.max(row.span.duration_ms, 0));
  const covered = rows.map((row) => row.span.start_ms);
  for (const row of rows) {
    const parent = row.parent === null ? undefined : rows[row.parent];
    if (parent === undefined) {
      continue;
    }
    const from = Math.max(row.span.start_ms, covered[parent.index] ?? 0);
    const to = Math.min(endOf(row), endOf(parent));
    if (to > from) {
      own[parent.index] = (own[parent.index] ?? 0) - (to - from);
      covered[parent.index] = to;
    }
  }
  return own.map((ms) => (ms < SAME_MS ? 0 : ms));
}

export interface Notices {
  /** What is odd about spans, by their place. */
  bySpan: Map<number, string[]>;
  orphans: number;
  /** Spans that begin before their parent does, and the milliseconds of the worst of them. */
  skewed: number;
  skewMs: number;
  /** Spans that go on when their parent has ended, which work that nobody waits for does. */
  outliving: number;
}

export function noticesOf(rows: Row[]): Notices {
  const notices: Notices = { bySpan: new Map(), orphans: 0, skewed: 0, skewMs: 0, outliving: 0 };
  for (const row of rows) {
    const told: string[] = [];
    const parent = row.parent === null ? undefined : rows[row.parent];
    if (row.span.orphan) {
      notices.orphans += 1;
      told.push(`its parent ${row.span.parent_span_id} is not stored`);
    }
    if (row.span.duration_ms < 0) {
      told.push("it ends before it begins");
    }
    if (parent !== undefined) {
      const early = parent.span.start_ms - row.span.start_ms;
      const late = endOf(row) - endOf(parent);
      if (early > SAME_MS) {
        notices.skewed += 1;
        notices.skewMs = Math.max(notices.skewMs, early);
        told.push(`it begins ${formatMs(early)} before its parent: their clocks differ`);
      }
      if (late > SAME_MS) {
        notices.outliving += 1;
        told.push(`it goes on for ${formatMs(late)} after its parent has ended`);
      }
    }
    if (told.length > 0) {
      notices.bySpan.set(row.index, told);
    }
  }
  return notices;
}
