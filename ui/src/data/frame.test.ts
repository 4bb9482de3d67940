import { describe, expect, it } from "vitest";

import { distinct, isEmpty, makeFrame, tableRows } from "./frame";

describe("makeFrame", () => {
  const range = { start: 100, end: 110, step: 5 };
  const name = (metric: Record<string, string>): string => metric["r"] ?? "";

  it("lays samples on the steps, with gaps where there is no number", () => {
    const frame = makeFrame(
      [
        {
          name,
          result: [
            {
              metric: { r: "b" },
              values: [
                [100, "1"],
                [110, "NaN"],
              ],
            },
            {
              metric: { r: "a" },
              values: [
                [105, "2.5"],
                [110, "+Inf"],
              ],
            },
          ],
        },
      ],
      range,
    );
    expect(frame.times).toEqual([100, 105, 110]);
    expect(frame.series).toEqual([
      { name: "a", values: [null, 2.5, null] },
      { name: "b", values: [1, null, null] },
    ]);
    expect(isEmpty(frame)).toBe(false);
  });

  it("is empty where no sample is a number", () => {
    expect(isEmpty(makeFrame([{ name, result: [{ metric: {}, values: [[100, "NaN"]] }] }], range))).toBe(
      true,
    );
    expect(isEmpty(makeFrame([], range))).toBe(true);
  });

  it("tells series of one name apart", () => {
    const result = [{ metric: { r: "a" }, values: [[100, "1"] as [number, string]] }];
    const frame = makeFrame(
      [
        { name, result },
        { name, result },
      ],
      range,
    );
    expect(frame.series.map((one) => one.name)).toEqual(["a", "a (2)"]);
  });

  it("gives no number that makes the name of another", () => {
    const named = (names: string[]) => distinct(names.map((one) => ({ name: one, values: [] })));
    expect(named(["a", "a", "a (2)", "a"]).map((one) => one.name)).toEqual(["a", "a (3)", "a (2)", "a (4)"]);
  });

  it("leaves out samples beside the range", () => {
    const frame = makeFrame(
      [
        {
          name,
          result: [
            {
              metric: {},
              values: [
                [90, "1"],
                [200, "1"],
              ],
            },
          ],
        },
      ],
      range,
    );
    expect(isEmpty(frame)).toBe(true);
  });
});

describe("tableRows", () => {
  it("is newest first, thinned evenly, the newest kept", () => {
    expect(tableRows(5, 10)).toEqual([4, 3, 2, 1, 0]);
    expect(tableRows(7, 3)).toEqual([6, 3, 0]);
    expect(tableRows(241, 60).length).toBeLessThanOrEqual(60);
  });
});
