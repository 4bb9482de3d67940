import { describe, expect, it } from "vitest";

import { readProblem } from "./problem";

const marked = (text: string, message: string): string => {
  const { from, to } = readProblem(text, message);
  return text.slice(from, to);
};

describe("readProblem", () => {
  it.each([
    [
      "sum(ratee(up[5m]))",
      'invalid parameter "query": 1:5: parse error: unknown function with name "ratee"',
      "ratee",
    ],
    ["up == ) ", "1:7: parse error: unexpected right parenthesis", ")"],
    ["sum(\n  up{) \n)", "2:6: parse error: unexpected", ")"],
    ['{a="é"} )', "1:10: parse error: unexpected", ")"],
    ['{a="😀"} )', "1:12: parse error: unexpected", ")"],
    ["rate(up[5m])", 'PromQL info: metric might not be a counter: "up" (1:6)', "up"],
    ["up(", "1:4: parse error: unclosed left parenthesis", ""],
    ["up", "9:1: parse error: beyond the end", ""],
    ["up + down", "query timed out in expression evaluation", "up + down"],
    ["up", "found at 12:34 or so", "up"],
  ])("marks in %j by %j: %j", (text, message, expected) => {
    expect(marked(text, message)).toBe(expected);
  });
});
