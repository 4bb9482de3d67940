import { describe, expect, it } from "vitest";

import { fillIn, hasNames } from "./fill";

const RANGE = { from: 0, to: 3_600_000 };
const filled = (expr: string, step = 15) => fillIn(expr, { start: 0, end: 3600, step }, RANGE);

describe("fillIn", () => {
  it.each([
    ["rate(x[$__rate_interval])", 15, "rate(x[60s])"],
    ["rate(x[${__rate_interval}])", 60, "rate(x[75s])"],
    ["x[$__interval] offset $__range", 0.5, "x[500ms] offset 3600s"],
    ["x / $__range_s + $__interval_ms", 15, "x / 3600 + 15000"],
    ["up == 1", 15, "up == 1"],
    ["rate(x[$__other]) + $job", 15, "rate(x[$__other]) + $job"],
  ])("%j with a step of %d s is %j", (expr, step, text) => {
    expect(filled(expr, step).text).toBe(text);
  });

  it("knows the places of what was written", () => {
    const expr = "rate(x[$__rate_interval]) + ratee(y[$__range])";
    const { text, place } = filled(expr);
    expect(text).toBe("rate(x[60s]) + ratee(y[3600s])");
    for (const word of ["rate", "x", "])", "ratee", "y"]) {
      expect(place(text.indexOf(word))).toBe(expr.indexOf(word));
    }
    expect(place(text.indexOf("60s"))).toBe(expr.indexOf("$__rate"));
    expect(place(text.indexOf("60s") + 3)).toBe(expr.indexOf("$__rate") + "$__rate_interval".length);
    expect(place(text.length)).toBe(expr.length);
  });
});

describe("hasNames", () => {
  it.each([
    ["x[$__interval]", true],
    ["x[${__range}]", true],
    ['x{a="$1"}', false],
    ["", false],
  ])("of %j is %s", (expr, expected) => {
    expect(hasNames(expr)).toBe(expected);
  });
});
