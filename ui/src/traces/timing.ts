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
  orphans: number;
  /** Spans that begin before their parent does, and the milliseconds of the worst of them. */
  skewed: number;
  skewMs: number;
  /** Spans that go on when their parent has ended, which work that nobody waits for does. */
  outliving: number;
}

/** Sums up what is odd about the spans of a trace. */
export function noticesOf(rows: Row[]): Notices {
  const notices: Notices = { orphans: 0, skewed: 0, skewMs: 0, outliving: 0 };
  for (const row of rows) {
    const { early, late } = misfit(rows, row);
    notices.orphans += row.span.orphan ? 1 : 0;
    notices.skewed += early > SAME_MS ? 1 : 0;
    notices.skewMs = Math.max(notices.skewMs, early > SAME_MS ? early : 0);
    notices.outliving += late > SAME_MS ? 1 : 0;
  }
  return notices;
}

/** Tells what is odd about one span; of a large trace only those that are seen are asked for. */
export function noticesAt(rows: Row[], row: Row): string[] {
  const told: string[] = [];
  const { early, late } = misfit(rows, row);
  if (row.span.orphan) {
    told.push(`its parent ${row.span.parent_span_id} is not stored`);
  }
  if (row.key !== row.span.span_id) {
    told.push("another span of the trace has the same id");
  }
  if (row.span.duration_ms < 0) {
    told.push("it ends before it begins");
  }
  if (early > SAME_MS) {
    told.push(`it begins ${formatMs(early)} before its parent: their clocks differ`);
  }
  if (late > SAME_MS) {
    told.push(`it goes on for ${formatMs(late)} after its parent has ended`);
  }
  return told;
}

/** Returns by how many milliseconds a span begins before its parent, and ends after it. */
function misfit(rows: Row[], row: Row): { early: number; late: number } {
  const parent = row.parent === null ? undefined : rows[row.parent];
  return parent === undefined
    ? { early: 0, late: 0 }
    : { early: parent.span.start_ms - row.span.start_ms, late: endOf(row) - endOf(parent) };
}
