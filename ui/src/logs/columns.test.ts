import { describe, expect, it } from "vitest";

import type { LogHistogram } from "../api/logs";
import { columnsOf, levelTotals, niceTop, ticks } from "./columns";

const DATA: LogHistogram = {
  step_ms: 1000,
  lines: 9,
  buckets: [
    { time_ms: 5000, lines: 6, levels: { "": 1, INFO: 3, ERROR: 2 } },
    { time_ms: 7000, lines: 3, levels: { INFO: 3 } },
  ],
};

describe("the columns of a histogram", () => {
  it("have the worst level on the ground and the unknown one on top", () => {
    const [first, second] = columnsOf(DATA);
    expect(first?.parts.map((one) => [one.tone, one.below, one.lines])).toEqual([
      ["error", 0, 2],
      ["info", 2, 3],
      ["none", 5, 1],
    ]);
    expect([second?.from, second?.to]).toEqual([7000, 8000]);
  });

  it("are summed up by level", () => {
    expect(levelTotals(DATA)).toEqual([
      ["ERROR", 2],
      ["INFO", 6],
      ["", 1],
    ]);
  });
});

describe("the scales", () => {
  it("have days that begin at midnight, also where the clocks are changed", () => {
    process.env["TZ"] = "Europe/Berlin";
    const midnights = [24, 25, 26, 27].map((day) => new Date(2026, 9, day).getTime());
    expect(ticks(midnights[0] ?? 0, midnights[3] ?? 0, 4)).toEqual(midnights);
    process.env["TZ"] = "UTC";
    expect(midnights[2]).toBe(Date.UTC(2026, 9, 25, 23));
  });

  it("have readable moments", () => {
    expect(ticks(61_500, 119_000, 6)).toEqual([70_000, 80_000, 90_000, 100_000, 110_000]);
    expect(ticks(0, 86_400_000, 4)).toEqual([0, 21_600_000, 43_200_000, 64_800_000, 86_400_000]);
  });

  it.each([
    [0, 1],
    [3, 3],
    [11, 12],
    [100, 100],
    [101, 120],
    [970, 1000],
  ])("end above %d at %d", (value, want) => {
    expect(niceTop(value)).toBe(want);
  });
});
