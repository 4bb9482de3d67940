/** The queries as they stand in their editors, where what was typed may not have been run yet. */

import { emptyQuery, type Query } from "../state";

export interface Draft {
  query: Query;
  /** What stands in the editor. */
  text: string;
}

/** What was typed of a query, by its place in the list, with the expression that it began as. */
export type Typed = ReadonlyMap<number, { was: string; text: string }>;

/** What was typed belongs to a query only as long as that is what it was: not after a step back, say. */
export function readDrafts(queries: readonly Query[], typed: Typed): Draft[] {
  return queries.map((query, i) => {
    const one = typed.get(i);
    return { query, text: one?.was === query.expr ? one.text : query.expr };
  });
}

export function typedOf(drafts: readonly Draft[]): Typed {
  return new Map(
    drafts.flatMap(({ query, text }, i) => (text === query.expr ? [] : [[i, { was: query.expr, text }]])),
  );
}

/** Makes what was typed of one query, or of all where `at` is null, the query that is run. */
export function asRun(drafts: readonly Draft[], at: number | null): Draft[] {
  return drafts.map((draft, i) =>
    at === null || at === i ? { ...draft, query: { ...draft.query, expr: draft.text } } : draft,
  );
}

export function moved(drafts: readonly Draft[], from: number, to: number): Draft[] {
  return drafts.toSpliced(from, 1).toSpliced(to, 0, ...drafts.slice(from, from + 1));
}

/** Returns what is left without one; there is always a query. */
export function without(drafts: readonly Draft[], at: number): Draft[] {
  return drafts.length === 1 ? [emptyDraft()] : drafts.toSpliced(at, 1);
}

export function emptyDraft(): Draft {
  return { query: emptyQuery(), text: "" };
}
