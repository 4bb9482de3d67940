import { describe, expect, it } from "vitest";

import { bars, durationAt, durationOf, logScale, logTicks, placeOf, shareOf, timeTicks } from "./scales";

const found = bars([
  { up_to_ms: 1, spans: 0 },
  { up_to_ms: 10, spans: 4 },
  { up_to_ms: 100, spans: 0 },
  { up_to_ms: 1000, spans: 2 },
  { up_to_ms: null, spans: 0 },
]);

describe("bars", () => {
  it("go from the first to the last bucket that has spans", () => {
    expect(found).toEqual([
      { from: 1, to: 10, spans: 4 },
      { from: 10, to: 100, spans: 0 },
      { from: 100, to: 1000, spans: 2 },
    ]);
    expect(bars([{ up_to_ms: 1, spans: 0 }])).toEqual([]);
  });

  it("have their durations by powers of ten", () => {
    expect(durationAt(found, 0)).toBe(1);
    expect(durationAt(found, 1 / 3)).toBeCloseTo(10);
    expect(durationAt(found, 0.5)).toBeCloseTo(Math.sqrt(1000));
    expect(durationAt(found, 1)).toBeCloseTo(1000);
  });

  it("end open where spans are longer than all bounds", () => {
    const open = bars([
      { up_to_ms: 1, spans: 1 },
      { up_to_ms: null, spans: 1 },
    ]);
    expect(durationAt(open, 0.25)).toBeCloseTo(0.5);
    expect(durationAt(open, 0.9)).toBeNull();
    expect(placeOf(open, 50)).toBe(1);
  });

  it("have the place of a duration", () => {
    for (const share of [0, 0.2, 0.5, 0.77, 1]) {
      expect(placeOf(found, durationAt(found, share) ?? 0)).toBeCloseTo(share);
    }
    expect(placeOf(found, 0.01)).toBe(0);
    expect(placeOf(found, 5000)).toBe(1);
  });
});

describe("logScale", () => {
  it("has room around all durations, and never is narrow", () => {
    for (const durations of [[5], [0, 3], [1, 100_000], [2, 2.1]]) {
      const scale = logScale(durations);
      expect(scale.high / scale.low).toBeGreaterThanOrEqual(10 * 0.999);
      for (const ms of durations) {
        expect(shareOf(scale, ms)).toBeGreaterThanOrEqual(0);
        expect(shareOf(scale, ms)).toBeLessThanOrEqual(1);
      }
    }
    expect(logScale([])).toEqual({ low: 1, high: 1000 });
  });

  it("goes both ways", () => {
    const scale = { low: 0.5, high: 3000 };
    expect(shareOf(scale, durationOf(scale, 0.3))).toBeCloseTo(0.3);
  });

  it("has a few round ticks", () => {
    expect(logTicks({ low: 0.9, high: 1100 })).toEqual([1, 10, 100, 1000]);
    expect(logTicks({ low: 9, high: 90 })).toEqual([10, 20, 50]);
  });
});

describe("timeTicks", () => {
  it("are round and few", () => {
    const from = Date.UTC(2026, 10, 26, 12, 0, 7);
    const ticks = timeTicks(from, from + 3_600_000, 5);
    expect(ticks.map((at) => new Date(at).toISOString().slice(11, 16))).toEqual([
      "12:15",
      "12:30",
      "12:45",
      "13:00",
    ]);
    for (const length of [5, 60_000, 900_000, 86_400_000, 20 * 86_400_000]) {
      const some = timeTicks(from, from + length, 5);
      expect(some.length).toBeGreaterThan(0);
      expect(some.length).toBeLessThanOrEqual(6);
    }
  });
});
