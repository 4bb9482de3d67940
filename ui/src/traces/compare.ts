/** Two traces side by side: their spans matched by the path of calls that leads to them. */

import type { Params } from "../api/http";
import type { Attributes, Span, Trace, TraceSummary } from "../api/traces";
import { criticalPath } from "./critical";
import { selfTimes } from "./timing";
import { makeRows } from "./waterfall";

/** What one trace has at a place: all spans that are reached by the same path of service, operation and kind. */
export interface Side {
  /** Places in the trace's spans, in the order of time. */
  spans: number[];
  /** Milliseconds of these spans together, and without their children. */
  total_ms: number;
  self_ms: number;
  /** Milliseconds that the trace waits for them: their part of its critical path. */
  critical_ms: number;
  errors: number;
}

export interface ComparedRow {
  /** The same for the same path, also when the traces change places. */
  id: string;
  service: string;
  name: string;
  kind: string;
  /** What B has in its place, where that is another operation: the roots of two traces are one another's. */
  other: { service: string; name: string } | null;
  depth: number;
  /** The row above that it is a part of, null at the top. */
  parent: number | null;
  /** Rows below that are a part of it, at any depth. */
  descendants: number;
  a: Side | null;
  b: Side | null;
  /** Both have it, at another place among its siblings. */
  moved: boolean;
}

export interface Comparison {
  rows: ComparedRow[];
  a: TraceFacts;
  b: TraceFacts;
}

export interface TraceFacts {
  trace: Trace;
  root: Span | undefined;
  duration_ms: number;
  spans: number;
  services: string[];
  errors: number;
  depth: number;
}

interface Group {
  key: string;
  children: Map<string, Group>;
  side: Side;
  span: Span;
}

export function compare(a: Trace, b: Trace): Comparison {
  const [left, right] = [groups(a), groups(b)];
  const rows: ComparedRow[] = [];
  interface Step {
    a: Group | undefined;
    b: Group | undefined;
    parent: number | null;
    depth: number;
    moved: boolean;
  }
  // A stack of our own: a trace may be deeper than calls can be.
  const stack: Step[] = [];
  const add = (
    one: Group | undefined,
    other: Group | undefined,
    parent: number | null,
    depth: number,
  ): void => {
    for (const child of inOrder(
      [...(one?.children.keys() ?? [])],
      [...(other?.children.keys() ?? [])],
    ).reverse()) {
      stack.push({
        a: one?.children.get(child.key),
        b: other?.children.get(child.key),
        parent,
        depth,
        moved: child.moved,
      });
    }
  };
  const [one, other] = [onlyChild(left), onlyChild(right)];
  if (one !== null && other !== null) {
    stack.push({ a: one, b: other, parent: null, depth: 0, moved: false });
  } else {
    add(left, right, null, 0);
  }
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    const group = step.a ?? step.b;
    if (group === undefined) {
      continue;
    }
    const { service, name, kind } = group.span;
    const keys = [...new Set([step.a?.key ?? group.key, step.b?.key ?? group.key])].sort();
    rows.push({
      // With the id of the row above, whatever its path is: paths stay short, however deep a trace is.
      id: hash(`${step.parent === null ? "" : (rows[step.parent]?.id ?? "")}/${keys.join("/")}`),
      service,
      name,
      kind,
      other: keys.length > 1 ? (step.b?.span ?? null) : null,
      depth: step.depth,
      parent: step.parent,
      descendants: 0,
      a: step.a?.side ?? null,
      b: step.b?.side ?? null,
      moved: step.moved,
    });
    add(step.a, step.b, rows.length - 1, step.depth + 1);
  }
  for (const row of rows.toReversed()) {
    const parent = row.parent === null ? undefined : rows[row.parent];
    if (parent !== undefined) {
      parent.descendants += row.descendants + 1;
    }
  }
  return { rows, a: factsOf(a), b: factsOf(b) };
}

/** Groups a trace's spans by the path that leads to them, below a group that stands for the trace. */
function groups(trace: Trace): Group {
  const rows = makeRows(trace.spans);
  const self = selfTimes(rows);
  const critical = new Map<number, number>();
  for (const { index, from, to } of criticalPath(rows)) {
    critical.set(index, (critical.get(index) ?? 0) + to - from);
  }
  const top: Group = {
    key: "",
    children: new Map(),
    side: emptySide(),
    span: trace.spans[0] as Span,
  };
  const groupOf: Group[] = [];
  for (const { span, index, parent } of rows) {
    const above = parent === null ? top : (groupOf[parent] ?? top);
    const key = `${span.service}\u0000${span.name}\u0000${span.kind}`;
    let group = above.children.get(key);
    if (group === undefined) {
      group = { key, children: new Map(), side: emptySide(), span };
      above.children.set(key, group);
    }
    const { side } = group;
    side.spans.push(index);
    side.total_ms += Math.max(span.duration_ms, 0);
    side.self_ms += self[index] ?? 0;
    side.critical_ms += critical.get(index) ?? 0;
    side.errors += Number(span.status === "error");
    groupOf[index] = group;
  }
  return top;
}

/** Returns the one group below another, null where there is none or more. */
function onlyChild(group: Group): Group | null {
  const [first, ...rest] = group.children.values();
  return rest.length === 0 ? (first ?? null) : null;
}

function emptySide(): Side {
  return { spans: [], total_ms: 0, self_ms: 0, critical_ms: 0, errors: 0 };
}

function factsOf(trace: Trace): TraceFacts {
  return {
    trace,
    root: trace.spans.find((span) => span.depth === 0 && !span.orphan) ?? trace.spans[0],
    duration_ms: trace.duration_ms,
    spans: trace.spans.length,
    services: trace.services,
    errors: trace.spans.filter((span) => span.status === "error").length,
    depth: trace.spans.reduce((most, span) => Math.max(most, span.depth + 1), 0),
  };
}

/** Two hashes of 32 bits (FNV-1a, forwards and backwards), as a short text. */
function hash(text: string): string {
  let [one, other] = [0x811c9dc5, 0x811c9dc5];
  for (let i = 0; i < text.length; i += 1) {
    one = Math.imul(one ^ text.charCodeAt(i), 0x01000193) >>> 0;
    other = Math.imul(other ^ text.charCodeAt(text.length - 1 - i), 0x01000193) >>> 0;
  }
  return one.toString(36) + other.toString(36);
}

/**
 * Puts the keys of two lists in one order, each key once.
 *
 * The longest common subsequence keeps its order; what else both have stands where the first has it and has moved,
 * and what only the second has follows what it follows there. Keys are different within a list.
 */
export function inOrder(a: readonly string[], b: readonly string[]): { key: string; moved: boolean }[] {
  const places = new Map(b.map((key, i) => [key, i]));
  const stays = longestCommon(a, places);
  const inA = new Set(a);
  const found: { key: string; moved: boolean }[] = [];
  let next = 0;
  const onlyInB = (until: number): void => {
    for (; next < until; next += 1) {
      const key = b[next] ?? "";
      if (!inA.has(key)) {
        found.push({ key, moved: false });
      }
    }
  };
  for (const key of a) {
    const place = places.get(key);
    if (place !== undefined && stays.has(key)) {
      onlyInB(place);
    }
    found.push({ key, moved: place !== undefined && !stays.has(key) });
  }
  onlyInB(b.length);
  return found;
}

/** Returns the longest common subsequence: of keys that occur once, the longest run whose places ascend. */
function longestCommon(a: readonly string[], places: ReadonlyMap<string, number>): Set<string> {
  const shared = a.filter((key) => places.has(key));
  const at = (index: number): number => places.get(shared[index] ?? "") ?? 0;
  /** For each length, the index with the least place that a run of it may end with. */
  const ends: number[] = [];
  const before: (number | undefined)[] = [];
  shared.forEach((_, index) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at(ends[middle] ?? 0) < at(index)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    before[index] = ends[low - 1];
    ends[low] = index;
  });
  const found = new Set<string>();
  for (let index = ends.at(-1); index !== undefined; index = before[index]) {
    found.add(shared[index] ?? "");
  }
  return found;
}

/** Returns by how many milliseconds B is longer; null where one of them has nothing there. */
export function difference(row: ComparedRow): number | null {
  return row.a === null || row.b === null ? null : row.b.total_ms - row.a.total_ms;
}

export type Change = "same" | "onlyA" | "onlyB" | "errors" | "slower" | "faster";

/** How much of the longer trace a difference must be, and of what it is a difference of, to be told. */
const TOLD_OF_TRACE = 0.01;
const TOLD_OF_ROW = 0.05;

/** Tells what is most to be said of a row. */
export function changeOf(row: ComparedRow, comparison: Comparison): Change {
  if (row.b === null) {
    return "onlyA";
  }
  if (row.a === null) {
    return "onlyB";
  }
  if (row.a.errors !== row.b.errors) {
    return "errors";
  }
  const by = row.b.total_ms - row.a.total_ms;
  const whole = Math.max(comparison.a.duration_ms, comparison.b.duration_ms);
  const told =
    Math.abs(by) > whole * TOLD_OF_TRACE &&
    Math.abs(by) > Math.max(row.a.total_ms, row.b.total_ms) * TOLD_OF_ROW;
  return !told ? "same" : by > 0 ? "slower" : "faster";
}

function textOf({ service, name, other }: ComparedRow): string {
  return `${service} ${name} ${other === null ? "" : `${other.service} ${other.name}`}`.toLowerCase();
}

/** Returns the rows that are not hidden: below what is collapsed, or without a difference where only these are shown. */
export function shownRows(
  comparison: Comparison,
  collapsed: ReadonlySet<string>,
  filter: { text: string; differences: boolean },
): ComparedRow[] {
  const { rows } = comparison;
  const text = filter.text.trim().toLowerCase();
  let keep: boolean[] | null = null;
  if (text !== "" || filter.differences) {
    keep = rows.map(
      (row) =>
        (!filter.differences || changeOf(row, comparison) !== "same") &&
        (text === "" || textOf(row).includes(text)),
    );
    // What leads to a row that is shown is shown with it.
    for (let i = rows.length - 1; i >= 0; i -= 1) {
      const parent = rows[i]?.parent ?? null;
      if (keep[i] === true && parent !== null) {
        keep[parent] = true;
      }
    }
  }
  const shown: ComparedRow[] = [];
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i];
    if (row === undefined || (keep !== null && keep[i] !== true)) {
      continue;
    }
    shown.push(row);
    if (collapsed.has(row.id)) {
      i += row.descendants;
    }
  }
  return shown;
}

export interface Cause {
  row: ComparedRow;
  /** By how many milliseconds the trace waits longer for it in the second. */
  by_ms: number;
}

/**
 * Returns what makes one trace longer than the other: the rows whose parts of the critical path differ most.
 *
 * These parts sum up to the durations of the roots, so that their differences sum up to the difference.
 */
export function causes(comparison: Comparison, most = 3): Cause[] {
  const whole = Math.max(comparison.a.duration_ms, comparison.b.duration_ms);
  return comparison.rows
    .map((row) => ({ row, by_ms: (row.b?.critical_ms ?? 0) - (row.a?.critical_ms ?? 0) }))
    .filter((one) => Math.abs(one.by_ms) > whole * TOLD_OF_TRACE)
    .sort((one, other) => Math.abs(other.by_ms) - Math.abs(one.by_ms))
    .slice(0, most);
}

export interface AttributeDifference {
  name: string;
  a: string | null;
  b: string | null;
}

/** Returns the attributes of either, in order of their names; null where one has not got it. */
export function attributeDifferences(a: Attributes, b: Attributes): AttributeDifference[] {
  const text = (values: Attributes, name: string): string | null => {
    const value = values[name];
    return !Object.hasOwn(values, name) ? null : typeof value === "string" ? value : JSON.stringify(value);
  };
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .sort()
    .map((name) => ({ name, a: text(a, name), b: text(b, name) }));
}

export interface Candidate {
  why: string;
  trace: TraceSummary;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MOST_LIKE = 500;
/** How many are looked at whose root did not fail, which end so long before: something below it may have failed. */
const WELL = [
  { earlierMs: 0, limit: 300 },
  { earlierMs: HOUR_MS, limit: 20 },
  { earlierMs: 6 * HOUR_MS, limit: 20 },
];

/**
 * Returns the searches for traces that begin as one does, within a day of it.
 *
 * Where most fail, or many came since, those before it that went well are not among the newest of all.
 */
export function searchesLike(root: Span, start_ms: number): Params[] {
  const alike = {
    service: root.service,
    name: root.name,
    root: root.orphan ? null : "true",
    start_ms: Math.floor(start_ms - DAY_MS),
  };
  return [
    { ...alike, end_ms: Math.ceil(start_ms + DAY_MS), limit: MOST_LIKE },
    ...["unset", "ok"].flatMap((status) =>
      WELL.map(({ earlierMs, limit }) => ({
        ...alike,
        status,
        end_ms: Math.floor(start_ms - earlierMs),
        limit,
      })),
    ),
  ];
}

/** Returns each trace of several searches once. */
export function onceEach(found: TraceSummary[]): TraceSummary[] {
  return [...new Map(found.map((one) => [one.trace_id, one])).values()];
}

/** Chooses of traces with the same root those that are worth a comparison with one. */
export function candidates(found: TraceSummary[], than: { trace_id: string; start_ms: number }): Candidate[] {
  const others = found.filter((one) => one.trace_id !== than.trace_id);
  const best = (of: TraceSummary[], value: (one: TraceSummary) => number): TraceSummary | undefined =>
    of.toSorted((one, other) => value(one) - value(other))[0];
  const well = others.filter((one) => one.error_count === 0);
  const earlier = well.filter((one) => one.start_ms < than.start_ms);
  const choices: [string, TraceSummary | undefined][] = [
    ["one before it without errors", best(earlier, (one) => -one.start_ms)],
    ["the fastest without errors", best(well, (one) => one.duration_ms)],
    ["the middle one", middle(others)],
    ["the slowest", best(others, (one) => -one.duration_ms)],
    [
      "the last with errors",
      best(
        others.filter((one) => one.error_count > 0),
        (one) => -one.start_ms,
      ),
    ],
  ];
  const told = new Map<string, Candidate>();
  for (const [why, trace] of choices) {
    if (trace !== undefined) {
      const before = told.get(trace.trace_id);
      told.set(trace.trace_id, { why: before === undefined ? why : `${before.why}, ${why}`, trace });
    }
  }
  return [...told.values()];
}

function middle(traces: TraceSummary[]): TraceSummary | undefined {
  const sorted = traces.toSorted((a, b) => a.duration_ms - b.duration_ms);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
