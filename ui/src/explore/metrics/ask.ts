/** Asks the server for all queries of a pane at once; what one gives does not depend on the others. */

import { type Answer, evaluate, evaluateRange, type MatrixSeries, type QueryData } from "../../api/metrics";
import { ApiError } from "../../api/http";
import { alignedSteps, querySteps, type Steps } from "../../time/range";
import type { Exemplar } from "../../charts/exemplars";
import { loadExemplars } from "../../dashboard/load";
import type { Pane } from "../state";
import { fillIn } from "./fill";
import { LIMIT, type Outcome } from "./results";

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
    .map((query, index) => ({ query, index, filled: fillIn(query.expr, steps, range) }))
    .filter(({ query }) => !query.hidden && query.expr.trim() !== "");
  const all = <T>(load: (expr: string) => Promise<Answer<T>>): Promise<Outcome<T>[]> =>
    Promise.all(asked.map((one) => outcome(one, load, signal)));
  const [graph, table, points] = await Promise.all([
    show === "table" ? [] : all((expr) => evaluateRange(expr, steps, LIMIT, signal)),
    show === "graph" ? [] : all((expr) => evaluate(expr, range.to / 1000, LIMIT, signal)),
    exemplars && show !== "table"
      ? Promise.all(asked.map(({ filled }) => loadExemplars(filled.text, range, signal)))
      : [],
  ]);
  return { steps, at: range.to, graph, table, exemplars: points.flat() };
}

async function outcome<T>(
  asked: Pick<Outcome<T>, "index" | "query" | "filled">,
  load: (expr: string) => Promise<Answer<T>>,
  signal: AbortSignal,
): Promise<Outcome<T>> {
  const began = performance.now();
  const done = (): Omit<Outcome<T>, "answer"> => ({ ...asked, took: performance.now() - began });
  try {
    const answer = await load(asked.filled.text);
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

/** How many points of a series the server answers at most; it refuses a query for more. */
export const MOST_POINTS = 11_000;

/** The steps of a range: such as were typed, but the shortest possible where these are too many, or else about 240. */
export function stepsOf(range: { from: number; to: number }, text: string): Steps {
  const step = readStep(text);
  if (step === null) {
    return querySteps(range);
  }
  return (range.to - range.from) / 1000 / step > MOST_POINTS
    ? querySteps(range, MOST_POINTS)
    : alignedSteps(range, step);
}
