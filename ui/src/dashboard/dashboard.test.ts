import { describe, expect, it } from "vitest";

import { cssValue, mappingOf, thresholdColor } from "./colors";
import { isEmpty, makeFrame, stacked, tableRows } from "./frame";
import { reduceValues } from "./reduce";

describe("thresholdColor", () => {
  const steps = [
    { value: null, color: "green" },
    { value: 0.01, color: "yellow" },
    { value: 0.05, color: "red" },
  ];

  it.each([
    [-1, "green"],
    [0, "green"],
    [0.01, "yellow"],
    [0.049, "yellow"],
    [0.05, "red"],
    [9, "red"],
    [null, null],
    [Number.NaN, null],
  ])("gives %s the colour %s", (value, color) => {
    expect(thresholdColor(value, steps)).toBe(color);
    expect(thresholdColor(value, steps.toReversed())).toBe(color);
  });

  it("gives none below all of them", () => {
    expect(thresholdColor(1, [{ value: 2, color: "red" }])).toBeNull();
  });
});

describe("cssValue", () => {
  it("gives Grafana's hues the theme's own colour", () => {
    expect(cssValue("semi-dark-red")).toBe("var(--hue-red)");
    expect(cssValue("super-light-blue")).toBe("var(--hue-blue)");
  });

  it("keeps other colours, and knows none", () => {
    expect(cssValue("#e02f44")).toBe("#e02f44");
    expect(cssValue("transparent")).toBeNull();
  });
});

describe("mappingOf", () => {
  const mappings = [{ value: "1", text: "UP", color: "green" }];

  it("maps exactly the value", () => {
    expect(mappingOf(1, mappings)?.text).toBe("UP");
    expect(mappingOf(0, mappings)).toBeNull();
    expect(mappingOf(null, mappings)).toBeNull();
    expect(mappingOf(0, [{ value: "", text: "no", color: null }])).toBeNull();
  });
});

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
    ["sum", 12],
    ["range", 4],
    ["diff", 2],
    ["count", 6],
  ])("%s is %s", (calc, expected) => {
    expect(reduceValues(values, calc)).toBe(expected);
  });

  it("has no value where there is none", () => {
    for (const calc of ["lastNotNull", "min", "max", "mean", "sum", "range", "diff"]) {
      expect(reduceValues([null], calc)).toBeNull();
      expect(reduceValues([], calc)).toBeNull();
    }
  });
});

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

describe("stacked", () => {
  it("adds up, and keeps gaps", () => {
    expect(
      stacked([
        { name: "a", values: [1, null, 3] },
        { name: "b", values: [10, 20, null] },
        { name: "c", values: [100, 200, 300] },
      ]),
    ).toEqual([
      [1, null, 3],
      [11, 20, null],
      [111, 220, 303],
    ]);
  });
});

describe("tableRows", () => {
  it("is newest first, thinned evenly, the newest kept", () => {
    expect(tableRows(5, 10)).toEqual([4, 3, 2, 1, 0]);
    expect(tableRows(7, 3)).toEqual([6, 3, 0]);
    expect(tableRows(241, 60).length).toBeLessThanOrEqual(60);
  });
});
