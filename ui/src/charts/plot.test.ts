import { describe, expect, it, vi } from "vitest";

// What is tested here draws nothing: uPlot asks for the browser's media queries when it is loaded.
vi.hoisted(() => {
  const media = { matches: false, addEventListener: () => undefined };
  Object.assign(globalThis, { matchMedia: () => media });
});

const { plainAxis, plotData, plotShape, valueRange } = await import("./plot");

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

describe("plotShape", () => {
  it("changes with the series and the style, not with values or colours", () => {
    const frame = (name: string, value: number) => ({ times: [1], series: [{ name, values: [value] }] });
    expect(plotShape(frame("a", 1), STYLE)).toBe(plotShape(frame("a", 2), STYLE));
    expect(plotShape(frame("a", 1), STYLE)).not.toBe(plotShape(frame("b", 1), STYLE));
    expect(plotShape(frame("a", 1), STYLE)).not.toBe(plotShape(frame("a", 1), { ...STYLE, unit: "s" }));
  });
});
