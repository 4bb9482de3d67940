/** What the spans of a trace sum up to, by service and operation. */

import type { Row } from "./waterfall";

export interface Statistic {
  service: string;
  name: string;
  spans: number;
  errors: number;
  /** Milliseconds. */
  total: number;
  self: number;
  mean: number;
  max: number;
}

export type Column = keyof Statistic;

export function statistics(rows: Row[], self: number[]): Statistic[] {
  const found = new Map<string, Statistic>();
  for (const { span, index } of rows) {
    const key = `${span.service}\n${span.name}`;
    let one = found.get(key);
    if (one === undefined) {
      one = {
        service: span.service,
        name: span.name,
        spans: 0,
        errors: 0,
        total: 0,
        self: 0,
        mean: 0,
        max: 0,
      };
      found.set(key, one);
    }
    const took = Math.max(span.duration_ms, 0);
    one.spans += 1;
    one.errors += span.status === "error" ? 1 : 0;
    one.total += took;
    one.self += self[index] ?? 0;
    one.max = Math.max(one.max, took);
    one.mean = one.total / one.spans;
  }
  return [...found.values()];
}

const TEXTS: readonly Column[] = ["service", "name"];

/** Sorts by a column: texts from A on, numbers from the greatest; `reverse` the other way round. */
export function sorted(list: Statistic[], column: Column, reverse: boolean): Statistic[] {
  const sign = (TEXTS.includes(column) ? 1 : -1) * (reverse ? -1 : 1);
  return list.toSorted(
    (a, b) =>
      sign * compare(a[column], b[column]) || compare(a.service, b.service) || compare(a.name, b.name),
  );
}

function compare<Value extends string | number>(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
