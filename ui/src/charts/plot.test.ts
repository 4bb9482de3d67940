import { describe, expect, it, vi } from "vitest";

// What is tested here draws nothing: uPlot asks for the browser's media queries when it is loaded, and axes for colours.
vi.hoisted(() => {
  const media = { matches: false, addEventListener: () => undefined };
  const style = { getPropertyValue: () => "#000000", fontFamily: "sans-serif" };
  Object.assign(globalThis, {
    matchMedia: () => media,
    getComputedStyle: () => style,
    document: { documentElement: {}, body: {} },
  });
});

const { plainAxis, plotData, plotOptions, plotShape, valueRange } = await import("./plot");

const STYLE = {
  unit: "short",
  decimals: null,
  min: null,
  max: null,
  thresholds: [],
  thresholdStyle: "off",
  stack: false,
  lineWidth: 1,
  fillOpacity: 0,
};
const axis = (set = {}) => ({ ...plainAxis(STYLE), ...set });

describe("valueRange", () => {
  it.each([
    ["begins at zero where areas do", 5, 10, {}, (low: number, high: number) => low === 0 && high > 10],
    ["does not where lines are far from it", 100, 101, { zero: false }, (low: number) => low > 95],
    [
      "keeps the file's limits",
      5,
      10,
      { min: 2, max: 7 },
      (low: number, high: number) => low === 2 && high === 7,
    ],
    [
      "goes at least to soft limits",
      0.2,
      0.3,
      { softMax: 1 },
      (low: number, high: number) => low === 0 && high === 1,
    ],
    ["goes beyond soft limits", 0, 3, { softMax: 1 }, (_: number, high: number) => high > 3],
    [
      "has zero in the middle",
      -1,
      4,
      { centered: true },
      (low: number, high: number) => low === -high && high > 4,
    ],
    [
      "shows thresholds that are drawn",
      0,
      1,
      { thresholds: [{ value: 9, color: "red" }], thresholdStyle: "line" },
      (_: number, high: number) => high > 9,
    ],
    [
      "ends percentages at the whole",
      0,
      0.99,
      { unit: "percentunit" },
      (_: number, high: number) => high === 1,
    ],
    ["has room for one value", 7, 7, { zero: false }, (low: number, high: number) => low < 7 && high > 7],
    ["has room for nothing", null, null, {}, (low: number, high: number) => low < high],
    ["is never upside down", 5, 6, { max: 1, zero: false }, (low: number, high: number) => low < high],
    [
      "keeps a logarithmic axis above zero",
      0,
      500,
      { scale: { type: "log", log: 10, linear_threshold: 1 } },
      (low: number, high: number) => low > 0 && high >= 500,
    ],
    [
      "keeps a logarithmic axis above zero where the file begins it there",
      1,
      500,
      { min: 0, max: 0, scale: { type: "log", log: 2, linear_threshold: 1 } },
      (low: number, high: number) => low > 0 && high >= 500,
    ],
  ] as const)("%s", (_, low, high, set, holds) => {
    const [start, end] = valueRange(low, high, axis(set) as ReturnType<typeof axis>);
    expect(holds(start, end), `${String(start)} to ${String(end)}`).toBe(true);
  });
});

describe("plotData", () => {
  it("leaves out of a logarithmic axis what it has no place for", () => {
    const style = {
      ...STYLE,
      axes: [axis({ scale: { type: "log" as const, log: 10, linear_threshold: 1 } })],
    };
    expect(plotData({ times: [1, 2, 3], series: [{ name: "a", values: [0, -1, 5] }] }, style)).toEqual([
      [1, 2, 3],
      [null, null, 5],
    ]);
  });
});

describe("plotOptions", () => {
  const hooks = {
    range: () => [0, 1] as [number, number],
    marks: () => [],
    onCursor: () => undefined,
    onZoom: () => undefined,
    onZoomOut: () => undefined,
    onClick: () => undefined,
  };
  const options = (count: number, unit = "short") => {
    const series = Array.from({ length: count }, (_, i) => ({ name: String(i), values: [1] }));
    const frame = { times: [0], series };
    return plotOptions(() => frame, { ...STYLE, unit }, hooks, { width: 400, height: 200 }, "");
  };

  it("does not draw all of many series again where another one is at the pointer", () => {
    expect(options(3).focus?.alpha).toBeLessThan(1);
    expect(options(101).focus?.alpha).toBe(1);
    expect(options(101).cursor?.points?.one).toBe(true);
  });

  it("has the ticks of multiples of 1024 at powers of two", () => {
    const incrs = options(1, "bytes").axes?.[1]?.incrs as number[];
    expect(incrs).toContain(2 ** 34);
    expect(incrs.every((one) => Number.isInteger(Math.log2(one)))).toBe(true);
    expect(options(1, "decbytes").axes?.[1]?.incrs).toBeUndefined();
  });

  it("draws points where a sample stands alone, and for no other series", () => {
    const frame = {
      times: [0, 1, 2],
      series: [
        { name: "whole", values: [1, 1, 1] },
        { name: "alone", values: [null, 1, null] },
      ],
    };
    const { series } = plotOptions(() => frame, STYLE, hooks, { width: 400, height: 200 }, "");
    const data = [frame.times, ...frame.series.map((one) => one.values)];
    const points = (i: number) =>
      (series[i]?.points?.filter as (...given: unknown[]) => number[] | null)({ data }, i, false, null);
    expect(points(1)).toBeNull();
    expect(points(2)).toEqual([1]);
  });
});

describe("plotShape", () => {
  it("changes with the series and the style, not with values or colours", () => {
    const frame = (name: string, value: number) => ({ times: [1], series: [{ name, values: [value] }] });
    expect(plotShape(frame("a", 1), STYLE)).toBe(plotShape(frame("a", 2), STYLE));
    expect(plotShape(frame("a", 1), STYLE)).not.toBe(plotShape(frame("b", 1), STYLE));
    expect(plotShape(frame("a", 1), STYLE)).not.toBe(plotShape(frame("a", 1), { ...STYLE, unit: "s" }));
  });
});
