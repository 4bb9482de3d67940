import { describe, expect, it } from "vitest";

import { histogramBars } from "./histogram";

describe("histogramBars", () => {
  it("has a bar for each bucket, with its bounds and its part of the highest", () => {
    const bars = histogramBars({
      count: "6",
      sum: "3",
      buckets: [
        [0, "0.5", "1", "2"],
        [3, "-0.1", "0.1", "4"],
      ],
    });
    expect(
      bars.map((bar) => `${bar.open}${bar.lower}, ${bar.upper}${bar.close} ${String(bar.height)}`),
    ).toEqual(["(0.5, 1] 0.5", "[-0.1, 0.1] 1"]);
  });

  it("has none where the histogram is empty", () => {
    expect(histogramBars({ count: "0", sum: "0" })).toEqual([]);
  });
});
