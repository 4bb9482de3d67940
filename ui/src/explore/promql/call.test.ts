import { describe, expect, it } from "vitest";

import { callAt } from "./call";

/** The place is where the bar stands. */
const at = (text: string): string => {
  const call = callAt(text.replace("|", ""), text.indexOf("|"));
  return call === null ? "" : `${call.name} ${String(call.argument)}`;
};

describe("callAt", () => {
  it.each([
    ["|rate(x[5m])", ""],
    ["rate|(x[5m])", ""],
    ["rate(|x[5m])", "rate 0"],
    ["rate(x[5m]|)", "rate 0"],
    ["rate(x[|5m])", ""],
    ["rate(x[5m])|", ""],
    ["rate(|", "rate 0"],
    ["clamp(up, |", "clamp 1"],
    ["clamp(up, 1, |5)", "clamp 2"],
    ["clamp(rate(x[5m]), |1", "clamp 1"],
    ["sum(rate(x|[5m]))", "rate 0"],
    ["sum by (job, instance) (|x)", "sum 0"],
    ["sum by (job,| instance) (x)", ""],
    ["sum without(job) (topk(3, |x))", "topk 1"],
    ["quantile by (a) (0.9, |x)", "quantile 1"],
    ["sum(x) by (|job)", ""],
    ["(|a + b)", ""],
    ["a * on (|job) b", "on 0"],
    ['x{a=~"(|"}', ""],
    ['label_replace(up, "a,(b", |', "label_replace 2"],
    ['label_replace(up, "a, |b"', "label_replace 1"],
    ["rate(x{a='),'}[5m]|)", "rate 0"],
    ["rate(x # not (, here\n[5m]|)", "rate 0"],
    ["x{|}", ""],
    ["histogram_quantile(0.9, sum by (le) (rate(x[5m]|)))", "rate 0"],
    ["histogram_quantile(0.9, sum by (le) (rate(x[5m]))|)", "histogram_quantile 1"],
    ["a\n+\nround(b,\n|", "round 1"],
    ["label_join(up, `\\`, |", "label_join 2"],
  ])("%j", (text, expected) => {
    expect(at(text)).toBe(expected);
  });
});
