import { describe, expect, it } from "vitest";

import { emptyQuery } from "../state";
import { asRun, type Draft, emptyDraft, moved, readDrafts, type Typed, typedOf, without } from "./drafts";

const draft = (expr: string, text = expr): Draft => ({ query: emptyQuery(expr), text });
const typed = (was: string, text: string): Typed => new Map([[0, { was, text }]]);

describe("drafts", () => {
  it("have what was typed of the query that is there", () => {
    expect(readDrafts([emptyQuery("up")], typed("up", "upper"))).toEqual([draft("up", "upper")]);
    expect(readDrafts([emptyQuery("down")], typed("up", "upper"))).toEqual([draft("down")]);
  });

  it("leave nothing typed of what was run, so that a step back shows what was run before", () => {
    const run = asRun([draft("up", "down"), draft("a", "b")], 0);
    expect(run).toEqual([draft("down"), draft("a", "b")]);
    expect(readDrafts([emptyQuery("up"), emptyQuery("a")], typedOf(run))).toEqual([
      draft("up"),
      draft("a", "b"),
    ]);
    expect(typedOf(asRun(run, null)).size).toBe(0);
  });

  it("go with their queries where these are moved or removed", () => {
    const three = [draft("a"), draft("b", "typed"), draft("c")];
    expect(moved(three, 1, 0)).toEqual([draft("b", "typed"), draft("a"), draft("c")]);
    expect(moved(three, 0, 2)).toEqual([draft("b", "typed"), draft("c"), draft("a")]);
    const left = without(three, 0);
    expect(readDrafts([emptyQuery("b"), emptyQuery("c")], typedOf(left))).toEqual(left);
    expect(without([draft("a", "x")], 0)).toEqual([emptyDraft()]);
  });
});
