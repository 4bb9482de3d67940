/** Asks the server for all queries of a pane at once; what one gives does not depend on the others. */

import { type Answer, evaluate, evaluateRange, type MatrixSeries, type QueryData } from "../../api/metrics";
import { ApiError } from "../../api/http";
import { querySteps } from "../../time/range";
import type { Exemplar } from "../../charts/exemplars";
import { loadExemplars } from "../../dashboard/load";
import type { Pane, Query } from "../state";
import { LIMIT, type Outcome, type Steps } from "./results";

export interface Answers {
  steps: Steps;
  /** For which a table is, Unix milliseconds. */
  at: number;
  graph: Outcome<MatrixSeries[]>[];
  table: Outcome<QueryData>[];
  exemplars: Exemplar[];
}

/** Evaluates what is not hidden: over the range for a graph, at its end for a table. */
export async function askAll(
  { queries, show, step, exemplars }: Pick<Pane, "queries" | "show" | "step" | "exemplars">,
  range: { from: number; to: number },
  signal: AbortSignal,
): Promise<Answers> {
  const steps = stepsOf(range, step);
  const asked = queries
    .map((query, index) => ({ query, index }))
    .filter(({ query }) => !query.hidden && query.expr.trim() !== "");
  const all = <T>(load: (expr: string) => Promise<Answer<T>>): Promise<Outcome<T>[]> =>
    Promise.all(asked.map(({ query, index }) => outcome(index, query, load, signal)));
  const [graph, table, points] = await Promise.all([
    show === "table" ? [] : all((expr) => evaluateRange(expr, steps, LIMIT, signal)),
    show === "graph" ? [] : all((expr) => evaluate(expr, range.to / 1000, LIMIT, signal)),
    exemplars && show !== "table"
      ? Promise.all(asked.map(({ query }) => loadExemplars(query.expr, range, signal)))
      : [],
  ]);
  return { steps, at: range.to, graph, table, exemplars: points.flat() };
}

async function outcome<T>(
  index: number,
  query: Query,
  load: (expr: string) => Promise<Answer<T>>,
  signal: AbortSignal,
): Promise<Outcome<T>> {
  const began = performance.now();
  const done = (): Omit<Outcome<T>, "answer"> => ({ index, query, took: performance.now() - began });
  try {
    const answer = await load(query.expr);
    return { ...done(), answer };
  } catch (error) {
    // That nothing answers is said once, and what was there stays.
    if (signal.aborted || !(error instanceof ApiError) || error.status === 0) {
      throw error;
    }
    return { ...done(), error: error.message };
  }
}

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86400 };

/** Reads a step such as "30s", in seconds; null where it is none. A bare number is seconds. */
export function readStep(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*$/.exec(text);
  const seconds = match === null ? 0 : Number(match[1]) * (UNITS[match[2] ?? "s"] ?? 0);
  return seconds > 0 ? seconds : null;
}

/** The steps of a range, aligned to the step: one that was typed, or such that there are about 240. */
export function stepsOf(range: { from: number; to: number }, text: string): Steps {
  const step = readStep(text);
  if (step === null) {
    return querySteps(range);
  }
  const end = Math.floor(range.to / 1000 / step) * step;
  return { start: Math.min(end, Math.ceil(range.from / 1000 / step) * step), end, step };
}
