import { describe, expect, it } from "vitest";

import { makeEntries, percentChange } from "./entries";
import { column, frameOf, madeConfig, seriesOf } from "./made";

const reduce = (set = {}) => ({ values: false, calcs: ["lastNotNull"], limit: null, fields: "", ...set });

describe("makeEntries", () => {
  it("reduces each series to a value in its unit", () => {
    const frame = seriesOf("a", [1, 2, null]);
    frame.fields = frame.fields.map((field) => ({ ...field, config: madeConfig({ unit: "s" }) }));
    const [entry] = makeEntries([frame], reduce());
    expect(entry).toMatchObject({ title: "a", value: 2, text: "2 s", values: [1, 2, null], row: null });
    expect(makeEntries([frame], reduce({ calcs: ["count"] }))[0]?.text).toBe("3");
  });

  it("shows each row, named by what is no number, up to the limit", () => {
    const frame = frameOf(
      column("host", ["a", "b", "c"]),
      column("zone", ["x", null, "z"]),
      column("Value", [1, 2, 3]),
    );
    expect(
      makeEntries([frame], reduce({ values: true, limit: 2 })).map((one) => [one.title, one.value, one.row]),
    ).toEqual([
      ["a x", 1, 0],
      ["b", 2, 1],
    ]);
  });

  it("shows each of several calculations of a series, named", () => {
    const several = makeEntries(
      [seriesOf("a", [1, 4, 2])],
      reduce({ calcs: ["max", "lastNotNull", "count"] }),
    );
    expect(several.map((one) => [one.title, one.text])).toEqual([
      ["a Max", "4"],
      ["a Last *", "2"],
      ["a Count", "3"],
    ]);
  });

  it("takes the fields that are named, texts too", () => {
    const frame = frameOf(column("version", ["1.2"]), column("Value", [1]));
    expect(makeEntries([frame], reduce({ fields: "version" })).map((one) => one.text)).toEqual(["1.2"]);
    expect(makeEntries([frame], reduce({ fields: "/.*/" })).map((one) => one.text)).toEqual(["1.2", "1"]);
  });

  it("fills a gauge from the limits of the file, of the unit, or of the values", () => {
    const limits = (set: Parameters<typeof madeConfig>[0]) => {
      const frame = frameOf(column("Value", [5], { config: madeConfig(set) }));
      return makeEntries([frame], reduce())[0]?.limits;
    };
    expect(limits({ min: 1, max: 9 })).toEqual({ low: 1, high: 9 });
    expect(limits({ unit: "percent" })).toEqual({ low: 0, high: 100 });
    expect(limits({ unit: "percentunit" })).toEqual({ low: 0, high: 1 });
    expect(limits({})).toEqual({ low: 0, high: 5 });
  });

  it("looks through the values of many series a few times, not once for each of them", () => {
    let reads = 0;
    const values = [1, 2];
    const frames = Array.from({ length: 100 }, (_, i) => {
      const field = column(`s${String(i)}`, values);
      Object.defineProperty(field, "values", {
        get: () => {
          reads += 1;
          return values;
        },
      });
      return frameOf(field);
    });
    expect(makeEntries(frames, reduce())).toHaveLength(100);
    expect(reads).toBeLessThan(1000);
  });

  it("gives each the palette's colour where the values have none", () => {
    const [a, b] = makeEntries([seriesOf("a", [1]), seriesOf("b", [1])], reduce());
    expect(a?.color).toBe("var(--series-0)");
    expect(b?.color).toBe("var(--series-1)");
  });
});

describe("percentChange", () => {
  it("is from the first to the last", () => {
    expect(percentChange([null, 4, 1, 5])).toBe(0.25);
    expect(percentChange([-4, -2])).toBe(0.5);
    expect(percentChange([0, 5])).toBeNull();
    expect(percentChange([null])).toBeNull();
  });
});
