import { describe, expect, it } from "vitest";

import {
  queryProblem,
  readFieldFilters,
  withFieldFilter,
  withLine,
  withoutLine,
  writeFieldFilters,
} from "./filters";

describe("filters on fields", () => {
  it.each([
    [[{ field: "http.route", value: "/x y", negated: false }], 'http.route: "/x y"'],
    [[{ field: "user", value: null, negated: true }], "not user: *"],
    [[{ field: "a", value: '"\\\n', negated: false }], 'a: "\\"\\\\\\n"'],
    [[{ field: "odd name:x*", value: "*", negated: false }], 'odd\\ name\\:x\\*: "*"'],
    [[{ field: "and", value: "", negated: false }], '\\and: ""'],
    [[{ field: "-x", value: "1", negated: false }], '\\-x: "1"'],
    [
      [
        { field: "a", value: "1", negated: false },
        { field: "b", value: "2 and not c: 3", negated: true },
      ],
      'a: "1" and not b: "2 and not c: 3"',
    ],
    [[], ""],
  ])("%j are written as %s, and read back", (filters, text) => {
    expect(writeFieldFilters(filters)).toBe(text);
    expect(readFieldFilters(text)).toEqual(filters);
  });

  it.each(["error", "a: b", 'a: "1" or b: "2"', 'a: "1', "a:", "(a: *)", "a >= 5"])(
    "%s is another query",
    (text) => {
      expect(readFieldFilters(text)).toBeNull();
    },
  );

  it("of one value and both signs the last one stays", () => {
    const one = { field: "a", value: "1", negated: false };
    expect(withFieldFilter([one], { ...one, negated: true })).toEqual([{ ...one, negated: true }]);
    expect(withFieldFilter([one], one)).toEqual([one]);
    expect(withFieldFilter([one], { ...one, value: "2" })).toHaveLength(2);
  });
});

describe("lines of a parameter", () => {
  it("are added once and taken away", () => {
    expect(withLine("", "a")).toBe("a");
    expect(withLine("a", "b")).toBe("a\nb");
    expect(withLine("a\nb", "a")).toBe("a\nb");
    expect(withoutLine("a\nb", "a")).toBe("b");
  });
});

describe("what the API says of a query", () => {
  it("has a place", () => {
    expect(queryProblem('parameter "query": column 8: this bracket is not closed')).toEqual({
      column: 8,
      text: "this bracket is not closed",
    });
  });

  it("may be of something else", () => {
    expect(queryProblem("the query took longer than 30 s")).toBeNull();
    expect(queryProblem('parameter "filter": column 1: x')).toBeNull();
  });
});
