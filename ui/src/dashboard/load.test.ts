import { describe, expect, it } from "vitest";

import type { Labels } from "../api/metrics";
import type { Dashboard, Panel, Target } from "../api/dashboards";
import { rangeFrames, table } from "./load";
import { cellsOf, madeConfig } from "./made";

const context = {
  dashboard: { time_factor: 1, scrape_interval: 15 } as Dashboard,
  values: new Map(),
  key: "",
};
const asked = (target: Partial<Target> = {}, several = false) => ({
  target: { ref_id: "A", expr: "up", legend_format: "{{job}}", format: "time_series", ...target } as Target,
  panel: { field: madeConfig() } as Panel,
  query: "up",
  shown: { from: 100_000, to: 110_000 },
  steps: { start: 100, end: 110, step: 5 },
  several,
  context,
});

describe("rangeFrames", () => {
  it("lays samples on the steps, with gaps where there is no number, in the order of their names", () => {
    const frames = rangeFrames(
      [
        {
          metric: { job: "b" },
          values: [
            [100, "1"],
            [110, "NaN"],
          ],
        },
        {
          metric: { job: "a" },
          values: [
            [105, "2.5"],
            [110, "+Inf"],
            [200, "9"],
            [90, "9"],
          ],
        },
        { metric: { job: "native" }, histograms: [] },
      ],
      asked(),
    );
    expect(frames.map((one) => cellsOf(one))).toEqual([
      { Time: [100_000, 105_000, 110_000], a: [null, 2.5, null] },
      { Time: [100_000, 105_000, 110_000], b: [1, null, null] },
    ]);
    expect(frames[0]?.fields[0]?.values).toBe(frames[1]?.fields[0]?.values);
  });

  it("names a series without labels after its expression, as written", () => {
    expect(rangeFrames([{ metric: {}, values: [[100, "1"]] }], asked({ legend_format: "" }))[0]?.name).toBe(
      "up",
    );
  });
});

describe("table", () => {
  const rows: { metric: Labels; at: number; value: string }[] = [
    { metric: { job: "a" }, at: 100.5, value: "1" },
    { metric: { instance: "i" }, at: 101, value: "NaN" },
  ];

  it("has a column for the time, each label and the value", () => {
    expect(cellsOf(table(rows, asked()))).toEqual({
      Time: [100_500, 101_000],
      instance: [null, "i"],
      job: ["a", null],
      Value: [1, null],
    });
  });

  it("tells the values of several queries apart", () => {
    expect(Object.keys(cellsOf(table(rows, asked({ ref_id: "B" }, true))))).toContain("Value #B");
  });
});
