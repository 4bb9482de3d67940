/** A trace as a flame graph: spans of one path of calls together, as wide as the time spent in them and below. */

import type { Row } from "./waterfall";

export interface Frame {
  /** The places among siblings from the root, such as "0.2.1": the same for the same trace. */
  path: string;
  service: string;
  name: string;
  depth: number;
  parent: Frame | null;
  children: Frame[];
  spans: number;
  errors: number;
  /** Milliseconds in the spans themselves. */
  self: number;
  /** Milliseconds in them and in all below: calls that run at a time add up. */
  total: number;
}

/** Returns the frames without a parent, the longest first, as are the children of each. */
export function aggregate(rows: Row[], self: number[]): Frame[] {
  const roots = new Map<string, Frame>();
  const below = new Map<Frame, Map<string, Frame>>();
  const frameOf: Frame[] = [];
  const all: Frame[] = [];
  for (const { span, index, parent } of rows) {
    const above = parent === null ? null : (frameOf[parent] ?? null);
    const siblings = above === null ? roots : (below.get(above) ?? new Map<string, Frame>());
    const key = `${span.service}\n${span.name}`;
    let frame = siblings.get(key);
    if (frame === undefined) {
      frame = {
        path: "",
        service: span.service,
        name: span.name,
        depth: above === null ? 0 : above.depth + 1,
        parent: above,
        children: [],
        spans: 0,
        errors: 0,
        self: 0,
        total: 0,
      };
      siblings.set(key, frame);
      all.push(frame);
      if (above !== null) {
        below.set(above, siblings);
        above.children.push(frame);
      }
    }
    frameOf[index] = frame;
    frame.spans += 1;
    frame.errors += span.status === "error" ? 1 : 0;
    frame.self += self[index] ?? 0;
  }
  for (const frame of all.toReversed()) {
    frame.total += frame.self;
    frame.children.sort(longestFirst);
    if (frame.parent !== null) {
      frame.parent.total += frame.total;
    }
  }
  const first = [...roots.values()].sort(longestFirst);
  const named = [...first];
  first.forEach((frame, i) => (frame.path = String(i)));
  for (let frame = named.pop(); frame !== undefined; frame = named.pop()) {
    for (const [i, child] of frame.children.entries()) {
      child.path = `${frame.path}.${String(i)}`;
      named.push(child);
    }
  }
  return first;
}

function longestFirst(a: Frame, b: Frame): number {
  return b.total - a.total || compare(a.service, b.service) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Finds a frame by its path; null where there is none. */
export function frameAt(roots: Frame[], path: string): Frame | null {
  let siblings = roots;
  let frame: Frame | null = null;
  for (const part of path === "" ? [] : path.split(".")) {
    const next = siblings[Number(part)];
    if (next === undefined) {
      return null;
    }
    frame = next;
    siblings = next.children;
  }
  return frame;
}

export interface Box {
  frame: Frame;
  /** Shares of the whole width. */
  left: number;
  width: number;
  /** It is above the frame that is zoomed to, and wider than what it stands for. */
  above: boolean;
}

/**
 * Lays out the frames, all of them or one with what is above and below it, row by row.
 *
 * What would be narrower than `least`, a share of the whole, is left out with all below it.
 */
export function layout(roots: Frame[], zoom: Frame | null, least: number): Box[] {
  const boxes: Box[] = [];
  for (let frame = zoom?.parent ?? null; frame !== null; frame = frame.parent) {
    boxes.unshift({ frame, left: 0, width: 1, above: true });
  }
  const shown = zoom === null ? roots : [zoom];
  const whole = shown.reduce((sum, frame) => sum + frame.total, 0);
  let row: Box[] = place(shown, 0, whole > 0 ? 1 / whole : 0, least, shown.length);
  while (row.length > 0) {
    boxes.push(...row);
    row = row.flatMap(({ frame, left, width }) =>
      place(frame.children, left, frame.total > 0 ? width / frame.total : 0, least, 0),
    );
  }
  return boxes;
}

/** `even` is the number of frames that share the width where none has any time. */
function place(frames: Frame[], left: number, perMs: number, least: number, even: number): Box[] {
  const boxes: Box[] = [];
  for (const frame of frames) {
    const width = perMs > 0 ? frame.total * perMs : even > 0 ? 1 / even : 0;
    if (width >= least) {
      boxes.push({ frame, left, width, above: false });
    }
    left += width;
  }
  return boxes;
}

/** Returns all frames with children behind their parent, as a table shows them. */
export function flatten(roots: Frame[]): Frame[] {
  const found: Frame[] = [];
  const left = roots.toReversed();
  for (let frame = left.pop(); frame !== undefined; frame = left.pop()) {
    found.push(frame);
    left.push(...frame.children.toReversed());
  }
  return found;
}
