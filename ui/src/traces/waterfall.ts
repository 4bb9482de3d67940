/** The rows of a trace's waterfall, from spans in depth-first order. */

import type { Span } from "../api/traces";

export interface Row {
  span: Span;
  /** The place in `spans`. */
  index: number;
  parent: number | null;
  children: number;
  /** Spans below this one, at any depth. */
  descendants: number;
  /** Whether a span below this one failed. */
  failedBelow: boolean;
}

/** Finds each span's parent and what is below it, by depth; the server's order is kept. */
export function makeRows(spans: Span[]): Row[] {
  const rows: Row[] = [];
  const path: number[] = [];
  spans.forEach((span, index) => {
    while (path.length > 0 && (spans[path.at(-1) ?? 0]?.depth ?? 0) >= span.depth) {
      path.pop();
    }
    const parent = path.at(-1) ?? null;
    rows.push({ span, index, parent, children: 0, descendants: 0, failedBelow: false });
    for (const above of path) {
      const row = rows[above];
      if (row !== undefined) {
        row.descendants += 1;
        row.failedBelow ||= span.status === "error";
      }
    }
    const direct = parent === null ? undefined : rows[parent];
    if (direct !== undefined) {
      direct.children += 1;
    }
    path.push(index);
  });
  return rows;
}

/** Leaves out what is below a collapsed span. */
export function visibleRows(rows: Row[], collapsed: ReadonlySet<string>): Row[] {
  const visible: Row[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index];
    if (row === undefined) {
      break;
    }
    visible.push(row);
    if (collapsed.has(row.span.span_id)) {
      index += row.descendants;
    }
  }
  return visible;
}

/** Returns a bar's place in percent of the trace's length, at least a hair wide and never outside. */
export function barPlace(
  startMs: number,
  durationMs: number,
  totalMs: number,
): { left: number; width: number } {
  if (totalMs <= 0) {
    return { left: 0, width: 100 };
  }
  const left = Math.min(Math.max((startMs / totalMs) * 100, 0), 99.7);
  const width = Math.min(Math.max((durationMs / totalMs) * 100, 0.3), 100 - left);
  return { left, width };
}

/** Tells where a bar's length is written so that it does not leave the lane. */
export function labelSide(place: { left: number; width: number }): "after" | "before" | "inside" {
  if (place.left + place.width <= 78) {
    return "after";
  }
  return place.left >= 22 ? "before" : "inside";
}

/** Returns round times, in milliseconds, that divide a trace into four or five parts, from 0. */
export function ticks(totalMs: number): number[] {
  if (totalMs <= 0) {
    return [0];
  }
  const rough = totalMs / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10) * power;
  const count = Math.floor(totalMs / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}
