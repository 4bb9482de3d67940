/** The answers of the queries, as the graph and the table need them. */

import {
  type Answer,
  type Labels,
  type MatrixSeries,
  type NativeHistogram,
  type QueryData,
  TRUNCATED,
} from "../../api/metrics";
import { legendName } from "../../format/legend";
import type { Steps } from "../../time/range";
import { readProblem, type Problem } from "../problem";
import { letter, type Query } from "../state";
import type { Filled } from "./fill";

/** What became of one query; `index` is its place in the list. */
export interface Outcome<T> {
  index: number;
  query: Query;
  /** What was asked. */
  filled: Filled;
  answer?: Answer<T>;
  error?: string;
  /** How long the answer took, milliseconds. */
  took: number;
}

/** A series as it is drawn. */
export interface Line {
  letter: string;
  name: string;
  metric: Labels;
  values: (number | null)[];
  last: number | null;
  min: number | null;
  max: number | null;
  mean: number | null;
}

export interface Graph {
  /** Unix seconds, one every step. */
  times: number[];
  lines: Line[];
  /** How many series the answers have; more than there are lines where the limit cut them. */
  found: number;
  /** The server had more than it was asked for. */
  cut: boolean;
  /** Series of native histograms, which have no line. */
  histograms: number;
  /** Queries that were refused. */
  failed: number;
}

export interface Row {
  letter: string;
  name: string;
  metric: Labels;
  /** null where it is no number. */
  value: number | null;
  text: string;
  histogram?: NativeHistogram;
  /** Of a range vector: its samples, of which the value is the last; times are Unix seconds. */
  samples?: [number, string][];
}

/** How many series are drawn, and how many rows shown; more would be neither legible nor quick. */
export const MOST_LINES = 200;
export const MOST_ROWS = 500;
/** How many series a query is asked for. */
export const LIMIT = 2000;

/** Lays the series of all queries on the steps of the range, in the order of the queries and then of the names. */
export function readGraph(outcomes: readonly Outcome<MatrixSeries[]>[], steps: Steps): Graph {
  const count = Math.floor((steps.end - steps.start) / steps.step + 1e-6) + 1;
  const times = Array.from({ length: count }, (_, i) => steps.start + i * steps.step);
  const graph: Graph = { times, lines: [], found: 0, cut: false, histograms: 0, failed: 0 };
  const named = new Map<string, number>();
  const drawn = outcomes.map(({ answer }) =>
    (answer?.data ?? []).filter((one) => (one.values?.length ?? 0) > 0),
  );
  const most = shares(
    drawn.map((one) => one.length),
    MOST_LINES,
  );
  for (const [i, { index, query, answer }] of outcomes.entries()) {
    graph.found += drawn[i]?.length ?? 0;
    graph.histograms += (answer?.data ?? []).filter((one) => (one.histograms?.length ?? 0) > 0).length;
    graph.cut ||= isCut(answer);
    graph.failed += answer === undefined ? 1 : 0;
    const lines = (drawn[i] ?? [])
      .map((one) => ({ one, name: legendName(query.legend, one.metric, query.expr) }))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    for (const { one, name } of lines.slice(0, most[i])) {
      // Two queries may name a series alike, and a chart tells its series apart by their names.
      const times = (named.get(name) ?? 0) + 1;
      named.set(name, times);
      graph.lines.push({
        letter: letter(index),
        name: times === 1 ? name : `${name} (${String(times)})`,
        metric: one.metric,
        ...measured(valuesAt(one, steps, count)),
      });
    }
  }
  return graph;
}

/** How many of each are taken where there is room for `most` in all: few are taken wholly, of many alike. */
export function shares(counts: readonly number[], most: number): number[] {
  const taken = counts.map(() => 0);
  let left = most;
  const order = [...counts.keys()].sort((a, b) => (counts[a] ?? 0) - (counts[b] ?? 0));
  order.forEach((i, place) => {
    taken[i] = Math.min(counts[i] ?? 0, Math.floor(left / (order.length - place)));
    left -= taken[i];
  });
  return taken;
}

function valuesAt(series: MatrixSeries, steps: Steps, count: number): (number | null)[] {
  const values = new Array<number | null>(count).fill(null);
  for (const [time, text] of series.values ?? []) {
    const at = Math.round((time - steps.start) / steps.step);
    const value = readNumber(text);
    if (at >= 0 && at < count && value !== null && Number.isFinite(value)) {
      values[at] = value;
    }
  }
  return values;
}

function measured(values: (number | null)[]): Pick<Line, "values" | "last" | "min" | "max" | "mean"> {
  let last: number | null = null;
  let min: number | null = null;
  let max: number | null = null;
  let total = 0;
  let count = 0;
  for (const value of values) {
    if (value !== null) {
      last = value;
      min = Math.min(min ?? value, value);
      max = Math.max(max ?? value, value);
      total += value;
      count += 1;
    }
  }
  return { values, last, min, max, mean: count === 0 ? null : total / count };
}

/** Reads a value as Prometheus writes it; null where it is no number, such as a text. */
export function readNumber(text: string): number | null {
  const infinities: Record<string, number> = { "+Inf": Infinity, "-Inf": -Infinity, NaN: Number.NaN };
  const value = infinities[text] ?? (text.trim() === "" ? Number.NaN : Number(text));
  return Number.isNaN(value) && text !== "NaN" ? null : value;
}

/** The rows of a table, in the order in which the server answered. */
export function readRows(outcomes: readonly Outcome<QueryData>[]): Row[] {
  return outcomes.flatMap(({ index, query, answer }) =>
    answer === undefined ? [] : rowsOf(answer.data, letter(index), query),
  );
}

function rowsOf(data: QueryData, letter: string, query: Query): Row[] {
  const row = (metric: Labels, text: string): Row => ({
    letter,
    name: legendName(query.legend, metric, query.expr),
    metric,
    value: readNumber(text),
    text,
  });
  switch (data.resultType) {
    case "vector":
      return data.result.map((one) =>
        one.histogram === undefined
          ? row(one.metric, one.value?.[1] ?? "")
          : { ...row(one.metric, one.histogram[1].count), histogram: one.histogram[1] },
      );
    case "matrix":
      return data.result.map((one) => {
        const histogram = one.histograms?.at(-1)?.[1];
        return {
          ...row(one.metric, one.values?.at(-1)?.[1] ?? histogram?.count ?? ""),
          ...(histogram === undefined ? {} : { histogram }),
          samples: one.values ?? [],
        };
      });
    case "scalar":
      return [row({}, data.result[1])];
    case "string":
      return [{ ...row({}, data.result[1]), value: null }];
  }
}

export interface Sort {
  /** "value", "query", or "label." and the name of a label, which may be one of these words. */
  column: string;
  descending: boolean;
}

/** Reads "column:desc"; null where rows stay in the server's order. */
export function readSort(text: string): Sort | null {
  const match = /^(.+):(asc|desc)$/.exec(text);
  return match === null ? null : { column: match[1] ?? "", descending: match[2] === "desc" };
}

export function labelColumn(label: string): string {
  return `label.${label}`;
}

/** The next order of a column that is clicked: descending, ascending, as answered; labels begin ascending. */
export function nextSort(sort: Sort | null, column: string): string {
  const order = column === "value" ? ["desc", "asc"] : ["asc", "desc"];
  if (sort?.column !== column) {
    return `${column}:${order[0] ?? ""}`;
  }
  return sort.descending === (order[0] === "desc") ? `${column}:${order[1] ?? ""}` : "";
}

const collator = new Intl.Collator("en", { numeric: true });

export function sortRows(rows: readonly Row[], sort: Sort | null): Row[] {
  if (sort === null) {
    return [...rows];
  }
  const { column, descending } = sort;
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    if (column === "value") {
      // What is no number comes last in both directions.
      const [none, other] = [isNumberless(a), isNumberless(b)];
      return none || other ? Number(none) - Number(other) : sign * compare(a.value ?? 0, b.value ?? 0);
    }
    return sign * collator.compare(textOf(a, column), textOf(b, column));
  });
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isNumberless(row: Row): boolean {
  return row.value === null || Number.isNaN(row.value);
}

function textOf(row: Row, column: string): string {
  return column === "query" ? row.letter : (row.metric[column.slice(labelColumn("").length)] ?? "");
}

/** The labels of the rows: those that tell them apart, and those that all have alike. */
export function columnsOf(rows: readonly Row[]): { columns: string[]; common: Labels } {
  const values = new Map<string, Set<string>>();
  for (const name of new Set(rows.flatMap((row) => Object.keys(row.metric)))) {
    values.set(name, new Set(rows.map((row) => row.metric[name] ?? "")));
  }
  const names = [...values.keys()].sort((a, b) =>
    a === "__name__" ? -1 : b === "__name__" ? 1 : collator.compare(a, b),
  );
  if (rows.length < 2) {
    return { columns: names, common: {} };
  }
  const alike = names.filter((name) => values.get(name)?.size === 1);
  return {
    columns: names.filter((name) => !alike.includes(name)),
    common: Object.fromEntries(alike.map((name) => [name, rows[0]?.metric[name] ?? ""])),
  };
}

/** How many samples an answer has. */
export function sampleCount(data: MatrixSeries[]): number {
  return data.reduce((total, one) => total + (one.values?.length ?? 0) + (one.histograms?.length ?? 0), 0);
}

export function isCut(answer: Answer<unknown> | undefined): boolean {
  return answer?.warnings.includes(TRUNCATED) ?? false;
}

/** What is said of a query, each thing once, whichever of its answers said it. */
export function problemsOf(outcomes: readonly (Outcome<unknown> | undefined)[]): Problem[] {
  const said = new Map<string, Problem>();
  for (const one of outcomes) {
    if (one === undefined) {
      continue;
    }
    const { text: asked, place } = one.filled;
    const add = (messages: string[], severity: Problem["severity"]): void => {
      for (const message of messages) {
        // Which parameter it is goes without saying here.
        const text = message.replace(/^invalid parameter "query": /, "");
        const problem = readProblem(asked, text, severity);
        said.set(text, { ...problem, from: place(problem.from), to: place(problem.to) });
      }
    };
    add(one.error === undefined ? [] : [one.error], "error");
    add(one.answer?.warnings.filter((text) => text !== TRUNCATED) ?? [], "warning");
    add(one.answer?.infos ?? [], "info");
  }
  return [...said.values()];
}
