/** The rows of a trace's waterfall, from spans in depth-first order, and where their bars stand. */

import type { Span } from "../api/traces";

export interface Row {
  span: Span;
  /** The span's id, with a number where another span before it has the same. */
  key: string;
  /** The place in `spans`. */
  index: number;
  parent: number | null;
  children: number;
  /** Spans below this one, at any depth. */
  descendants: number;
  /** Whether a span below this one failed. */
  failedBelow: boolean;
}

/** A part of a trace's time, in milliseconds after its start. */
export interface Window {
  from: number;
  to: number;
}

/** Finds each span's parent and what is below it, by depth; the server's order is kept. */
export function makeRows(spans: Span[]): Row[] {
  const rows: Row[] = [];
  const path: number[] = [];
  const times = new Map<string, number>();
  spans.forEach((span, index) => {
    const time = (times.get(span.span_id) ?? 0) + 1;
    times.set(span.span_id, time);
    while (path.length > 0 && (spans[path.at(-1) ?? 0]?.depth ?? 0) >= span.depth) {
      path.pop();
    }
    rows.push({
      span,
      key: time === 1 ? span.span_id : `${span.span_id}-${String(time)}`,
      index,
      parent: path.at(-1) ?? null,
      children: 0,
      descendants: 0,
      failedBelow: false,
    });
    path.push(index);
  });
  // From the last to the first, all that is below a span is summed up before the span itself.
  for (const row of rows.toReversed()) {
    const parent = row.parent === null ? undefined : rows[row.parent];
    if (parent !== undefined) {
      parent.children += 1;
      parent.descendants += row.descendants + 1;
      parent.failedBelow ||= row.failedBelow || row.span.status === "error";
    }
  }
  return rows;
}

/** Leaves out what is below a collapsed span; `collapsed` holds keys. */
export function visibleRows(rows: Row[], collapsed: ReadonlySet<string>): Row[] {
  const visible: Row[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index];
    if (row === undefined) {
      break;
    }
    visible.push(row);
    if (collapsed.has(row.key)) {
      index += row.descendants;
    }
  }
  return visible;
}

/** Returns the spans above one, the nearest first. */
export function ancestors(rows: Row[], index: number): number[] {
  const above: number[] = [];
  for (let at = rows[index]?.parent ?? null; at !== null; at = rows[at]?.parent ?? null) {
    above.push(at);
  }
  return above;
}

/** Returns the parents at a depth and below it: collapsed, they leave `levels` levels to be seen. */
export function parentsFrom(rows: Row[], levels: number): string[] {
  return rows.filter((row) => row.children > 0 && row.span.depth + 1 >= levels).map((row) => row.key);
}

/** Returns how many levels some rows stand on. */
export function levelsOf(rows: Row[]): number {
  return rows.reduce((most, row) => Math.max(most, row.span.depth + 1), 0);
}

export interface Place {
  /** Percent of the window. */
  left: number;
  width: number;
  /** On which side of the window it lies, where none of it is seen. */
  outside: "before" | "after" | null;
}

/** Returns where a time stands, in percent of the window. */
export function placeAt(ms: number, window: Window): number {
  return ((ms - window.from) / (window.to - window.from || 1)) * 100;
}

const HAIR = 0.3;

/** Returns a bar's place in percent of the window, at least a hair wide and never outside of it. */
export function barPlace(startMs: number, durationMs: number, window: Window): Place {
  const length = window.to - window.from;
  if (length <= 0) {
    return { left: 0, width: 100, outside: null };
  }
  const endMs = startMs + Math.max(durationMs, 0);
  if (endMs < window.from) {
    return { left: 0, width: 0, outside: "before" };
  }
  if (startMs > window.to) {
    return { left: 100, width: 0, outside: "after" };
  }
  const share = (ms: number): number => Math.min(Math.max(((ms - window.from) / length) * 100, 0), 100);
  const left = Math.min(share(startMs), 100 - HAIR);
  return { left, width: Math.max(share(endMs) - left, HAIR), outside: null };
}

/** Tells where a bar's length is written so that it does not leave the lane. */
export function labelSide(place: { left: number; width: number }): "after" | "before" | "inside" {
  if (place.left + place.width <= 78) {
    return "after";
  }
  return place.left >= 22 ? "before" : "inside";
}

/** Returns round times, in milliseconds, that divide a window into a few parts. */
export function ticks(window: Window): number[] {
  const length = window.to - window.from;
  if (length <= 0) {
    return [window.from];
  }
  const rough = length / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough * (1 - 1e-9)) ?? 10) * power;
  const first = Math.ceil(window.from / step - 1e-9);
  const last = Math.floor(window.to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** Reads a window of a trace from the URL, such as "12.5-80"; the whole trace where it makes no sense. */
export function parseWindow(text: string, durationMs: number): Window {
  const match = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text);
  const window = { from: Number(match?.[1]), to: Math.min(Number(match?.[2]), durationMs) };
  return match !== null && window.from < window.to ? window : { from: 0, to: durationMs };
}

/** Writes a window as the URL has it: null for the whole trace. */
export function writeWindow(window: Window, durationMs: number): string | null {
  const from = Math.max(window.from, 0);
  const to = Math.min(window.to, durationMs);
  if (to <= from || (from <= 0 && to >= durationMs)) {
    return null;
  }
  // To a thousandth of what is seen, which no one can tell from what was dragged.
  const places = Math.min(Math.max(3 - Math.floor(Math.log10(to - from)), 0), 6);
  const texts = [from.toFixed(places), to.toFixed(places)] as const;
  return texts[0] === texts[1] ? null : texts.join("-");
}
