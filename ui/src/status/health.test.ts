import { describe, expect, it } from "vitest";

import { paths, withGaps } from "./health";

describe("withGaps", () => {
  it("has a gap where a step is missing or a value is no number", () => {
    expect(
      withGaps(
        [
          [0, "1"],
          [15, "2"],
          [60, "3"],
          [75, "NaN"],
        ],
        15,
      ),
    ).toEqual([
      [0, 1],
      [15, 2],
      [30, null],
      [60, 3],
      [75, null],
    ]);
  });
});

describe("paths", () => {
  it("scales to the box and ends at each gap", () => {
    const line = {
      name: "a",
      points: [
        [0, 0],
        [50, 10],
        [60, null],
        [100, 5],
      ] as [number, number | null][],
    };
    expect(paths(line, { from: 0, to: 100 }, 10, 200, 40)).toEqual(["M0.0 40.0L100.0 0.0", "M200.0 20.0"]);
  });

  it("leaves out what is not in the range, and draws zeros at the bottom", () => {
    const points: [number, number | null][] = [
      [-10, 1],
      [10, 0],
      [20, 0],
    ];
    expect(paths({ name: "a", points }, { from: 0, to: 20 }, 0, 100, 10)).toEqual(["M50.0 10.0L100.0 10.0"]);
  });
});
