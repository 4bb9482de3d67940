import { describe, expect, it } from "vitest";

import { calcTitle, isKnownCalc, reduceValues } from "./reduce";

describe("reduceValues", () => {
  const values = [null, 4, 2, null, 6, null];

  it.each([
    ["lastNotNull", 6],
    ["last", null],
    ["first", null],
    ["firstNotNull", 4],
    ["min", 2],
    ["max", 6],
    ["mean", 4],
    ["median", 4],
    ["sum", 12],
    ["range", 4],
    ["diff", 2],
    ["diffperc", 0.5],
    ["delta", 6],
    ["step", -2],
    ["count", 6],
    ["changeCount", 2],
    ["distinctCount", 3],
    ["variance", 8 / 3],
    ["p50", 4],
    ["p25", 3],
    ["allIsNull", 0],
    ["allIsZero", 0],
    ["of no name", 6],
  ])("%s is %s", (calc, expected) => {
    const found = reduceValues(values, calc);
    if (expected === null) {
      expect(found).toBeNull();
    } else {
      expect(found).toBeCloseTo(expected, 9);
    }
  });

  it("has no value where there is none", () => {
    for (const calc of [
      "lastNotNull",
      "min",
      "max",
      "mean",
      "sum",
      "range",
      "diff",
      "median",
      "stdDev",
      "p95",
      "delta",
    ]) {
      expect(reduceValues([null], calc)).toBeNull();
      expect(reduceValues([], calc)).toBeNull();
    }
    expect(reduceValues([0], "diffperc")).toBeNull();
  });

  it("takes long series", () => {
    const long = Array.from({ length: 300_000 }, (_, i) => i);
    expect(reduceValues(long, "max")).toBe(299_999);
    expect(reduceValues(long, "p99")).toBeCloseTo(296_999, 0);
  });

  it("calls them as Grafana does", () => {
    expect(calcTitle("lastNotNull")).toBe("Last *");
    expect(calcTitle("p95")).toBe("95th %");
    expect(isKnownCalc("p99")).toBe(true);
    expect(isKnownCalc("p100")).toBe(false);
  });
});
