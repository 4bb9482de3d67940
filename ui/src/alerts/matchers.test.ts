import { describe, expect, it } from "vitest";

import { draftOf, matcherOf, matchersFor, problemOf, writeMatcher, type MatcherDraft } from "./matchers";

describe("matchersFor", () => {
  it("are the labels of one alert, the name first", () => {
    expect(matchersFor([{ a: "1", alertname: "Slow", z: "" }])).toEqual([
      { name: "alertname", operator: "=", value: "Slow" },
      { name: "a", operator: "=", value: "1" },
      { name: "z", operator: "=", value: "" },
    ]);
  });

  it("accept all of several: one of the values, escaped, and no label that one lacks", () => {
    expect(
      matchersFor([
        { alertname: "A", path: "/a.b", only: "1" },
        { alertname: "A", path: "/c|d" },
      ]),
    ).toEqual([
      { name: "alertname", operator: "=", value: "A" },
      { name: "path", operator: "=~", value: "/a\\.b|/c\\|d" },
    ]);
  });

  it("are none of no alert", () => {
    expect(matchersFor([])).toEqual([]);
  });
});

describe("writeMatcher", () => {
  it.each<[MatcherDraft, string]>([
    [{ name: "a", operator: "=", value: "b" }, 'a="b"'],
    [{ name: "a", operator: "!~", value: 'x"\\\n' }, 'a!~"x\\"\\\\\\n"'],
    [{ name: "http.route", operator: "=", value: "/" }, '"http.route"="/"'],
  ])("of %j is %j", (draft, text) => {
    expect(writeMatcher(draft)).toBe(text);
  });
});

describe("matcherOf", () => {
  it.each(["=", "!=", "=~", "!~"] as const)("keeps %j", (operator) => {
    const draft = { name: "a", operator, value: "b" };
    expect(draftOf(matcherOf(draft))).toEqual(draft);
  });
});

describe("problemOf", () => {
  it.each<[MatcherDraft[], RegExp]>([
    [[], /needs a matcher/],
    [[{ name: " ", operator: "=", value: "b" }], /no label/],
    [[{ name: "a", operator: "=", value: "" }], /with a value/],
    [[{ name: "a", operator: "=", value: "b" }], /^$/],
  ])("of %j says %s", (drafts, problem) => {
    expect(problemOf(drafts)).toMatch(problem);
  });
});
