/**
 * The critical path of a trace, as Jaeger defines it: what would have to be faster for the trace to be faster.
 *
 * It is found backwards from the end of the root: the child that finishes last is what the parent waits for, then,
 * from where that one begins, the child that had finished last by then; between them the parent itself is at work.
 */

import { endOf, SAME_MS } from "./timing";
import type { Row } from "./waterfall";

/** A part of a span that is on the path, in milliseconds after the trace's start. */
export interface Section {
  /** The place of the span. */
  index: number;
  from: number;
  to: number;
}

interface Step {
  index: number;
  /** All after it is on the path already. */
  cursor: number;
  /** The children, those that end last first, and the next of them to look at. */
  children: number[];
  next: number;
}

/** Returns the sections of the path in the order of time; empty where there is no root. */
export function criticalPath(rows: Row[]): Section[] {
  const root = rows.find((row) => row.parent === null && !row.span.orphan) ?? rows[0];
  if (root === undefined) {
    return [];
  }
  const { from, to, children } = clipped(rows, root);
  const begin = (index: number): number => from[index] ?? 0;
  const end = (index: number): number => to[index] ?? 0;
  const step = (index: number): Step => ({
    index,
    cursor: end(index),
    children: (children.get(index) ?? []).toSorted((a, b) => end(b) - end(a) || begin(b) - begin(a)),
    next: 0,
  });

  const sections: Section[] = [];
  const add = (index: number, from: number, to: number): void => {
    if (to - from > SAME_MS) {
      sections.push({ index, from, to });
    }
  };
  // A stack of our own: a trace may be deeper than calls can be.
  const path = [step(root.index)];
  for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
    const { cursor, children } = at;
    // A child that still runs at the cursor ran beside what is on the path already.
    while (at.next < children.length && end(children[at.next] ?? 0) > cursor + SAME_MS) {
      at.next += 1;
    }
    const child = children[at.next];
    if (child === undefined) {
      add(at.index, begin(at.index), cursor);
      path.pop();
      continue;
    }
    add(at.index, end(child), cursor);
    at.cursor = begin(child);
    at.next += 1;
    path.push(step(child));
  }
  return sections.reverse();
}

/** Cuts each span below the root to what lies in its parent, and leaves out those of which nothing does. */
function clipped(rows: Row[], root: Row): { from: number[]; to: number[]; children: Map<number, number[]> } {
  const from: number[] = [];
  const to: number[] = [];
  const children = new Map<number, number[]>();
  from[root.index] = root.span.start_ms;
  to[root.index] = endOf(root);
  for (const row of rows.slice(root.index + 1, root.index + root.descendants + 1)) {
    const parent = row.parent ?? root.index;
    const [low, high] = [from[parent], to[parent]];
    if (low === undefined || high === undefined) {
      continue;
    }
    const begin = Math.max(row.span.start_ms, low);
    const end = Math.min(endOf(row), high);
    if (end > begin) {
      from[row.index] = begin;
      to[row.index] = end;
      const siblings = children.get(parent);
      if (siblings === undefined) {
        children.set(parent, [row.index]);
      } else {
        siblings.push(row.index);
      }
    }
  }
  return { from, to, children };
}

/** Groups the sections by the place of their span. */
export function bySpan(sections: Section[]): Map<number, Section[]> {
  return Map.groupBy(sections, (section) => section.index);
}
