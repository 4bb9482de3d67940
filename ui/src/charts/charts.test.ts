import { describe, expect, it } from "vitest";

import { type Exemplar, thinned } from "./exemplars";
import { classicGrid, columnCells, countedGrid, countRange, namedGrid, nativeGrid } from "./heatmap";
import { marksNear } from "./marks";
import { stackValues } from "./stack";
import { makeStates, stateAt } from "./states";

const look = (stack: string, percent = false, axis = "y") => ({ stack, percent, axis });
const one = (values: (number | null)[], negative = false) => ({ name: "", values, negative });

describe("stackValues", () => {
  it("adds up, and keeps gaps", () => {
    const series = [one([1, null, 3]), one([10, 20, null]), one([100, 200, 300])];
    expect(stackValues(series, [look("A"), look("A"), look("A")])).toEqual([
      [1, null, 3],
      [11, 20, null],
      [111, 220, 303],
    ]);
  });

  it("stacks groups, axes and what is negative apart, and leaves alone what is in no group", () => {
    const series = [one([1]), one([2]), one([4]), one([-3], true), one([8]), one([16])];
    const looks = [look("A"), look("B"), look("A"), look("A"), look(""), look("A", false, "right")];
    expect(stackValues(series, looks)).toEqual([[1], [2], [5], [-3], [8], [16]]);
  });

  it("gives shares of the whole", () => {
    const series = [one([1, null, 0]), one([3, 5, 0])];
    expect(stackValues(series, [look("A", true), look("A", true)])).toEqual([
      [0.25, null, 0],
      [1, 1, 0],
    ]);
  });

  it("stacks nothing on what is not shown", () => {
    const series = [one([1]), one([2])];
    expect(stackValues(series, [look("A"), look("A")], [false, true])).toEqual([[1], [2]]);
    expect(stackValues(series, [look("A", true), look("A", true)], [false, true])[1]).toEqual([1]);
  });
});

describe("makeStates", () => {
  const up = { text: "up", color: "green" };
  const down = { text: "down", color: "red" };

  it("makes one of what is alike, and ends at a gap", () => {
    expect(makeStates([0, 10, 20, 30, 40], 10, [up, up, down, null, down], true)).toEqual([
      { from: 0, to: 20, ...up },
      { from: 20, to: 30, ...down },
      { from: 40, to: 50, ...down },
    ]);
    expect(makeStates([0, 10], 10, [up, up], false)).toHaveLength(2);
  });

  it("finds the state at a moment", () => {
    const row = { name: "r", states: makeStates([0, 10], 10, [up, down], true) };
    expect(stateAt(row, 9.9)?.text).toBe("up");
    expect(stateAt(row, 10)?.text).toBe("down");
    expect(stateAt(row, 20)).toBeNull();
  });
});

describe("heatmaps", () => {
  const write = (value: number): string => String(value);
  const bucket = (le: string, values: (number | null)[]) => ({ name: le, le, values });

  it("takes classic buckets apart, whatever their order", () => {
    const grid = classicGrid(
      [0, 10],
      [bucket("+Inf", [6, 8]), bucket("1", [2, null]), bucket("0.5", [1, 3])],
      true,
      write,
    );
    expect(grid.rows.map((row) => row.label)).toEqual(["0 to 0.5", "0.5 to 1", "over 1"]);
    expect(grid.cells.map(({ column, from, count }) => [column, from, count])).toEqual([
      [0, 0, 1],
      [1, 0, 3],
      [0, 1, 1],
      [0, 2, 4],
      [1, 2, 8],
    ]);
    expect(countRange(grid)).toEqual({ low: 1, high: 8 });
    expect(columnCells(grid, 0).map((cell) => cell.from)).toEqual([2, 1, 0]);
  });

  it("takes them as they are where they are not cumulative, and names where they have no bounds", () => {
    expect(
      classicGrid([0], [bucket("1", [2]), bucket("2", [5])], false, write).cells.map((cell) => cell.count),
    ).toEqual([2, 5]);
    expect(namedGrid([0], [{ name: "fast", le: undefined, values: [4] }]).rows[0]?.label).toBe("fast");
  });

  it("adds up native histograms at their bounds, a coarser bucket over several rows", () => {
    const histogram = (...buckets: [string, string, string][]) => ({
      count: "0",
      sum: "0",
      buckets: buckets.map(([low, high, count]): [number, string, string, string] => [0, low, high, count]),
    });
    const series = [
      {
        metric: { a: "1" },
        histograms: [
          [0, histogram(["1", "2", "3"], ["2", "4", "1"])] as [number, ReturnType<typeof histogram>],
        ],
      },
      {
        metric: { a: "2" },
        histograms: [
          [0, histogram(["1", "2", "2"])] as [number, ReturnType<typeof histogram>],
          [10, histogram(["1", "4", "7"])] as [number, ReturnType<typeof histogram>],
        ],
      },
    ];
    const grid = nativeGrid([0, 10], 10, series, write);
    expect(grid.rows.map((row) => row.label)).toEqual(["1 to 2", "2 to 4"]);
    expect(grid.cells).toEqual([
      { column: 0, from: 0, to: 1, count: 5 },
      { column: 0, from: 1, to: 2, count: 1 },
      { column: 1, from: 0, to: 2, count: 7 },
    ]);
  });

  it("counts plain values into buckets of a given, or of a round size", () => {
    const series = [0, 4, 9, 10].map((value) => ({ name: "", le: undefined, values: [value] }));
    const grid = countedGrid([0], series, { count: 0, size: 5 }, write);
    expect(grid.rows.map((row) => row.label)).toEqual(["0 to 5", "5 to 10", "10 to 15"]);
    expect(grid.cells.map((cell) => [cell.from, cell.count])).toEqual([
      [0, 2],
      [1, 1],
      [2, 1],
    ]);
    expect(countedGrid([0], series, { count: 4, size: 0 }, write).rows).toHaveLength(3);
    expect(countedGrid([0], [], { count: 4, size: 0 }, write).cells).toEqual([]);
  });
});

describe("exemplars", () => {
  it("keeps the greatest of each part, each trace once", () => {
    const made = (at: number, value: number, traceId = `${String(at)}-${String(value)}`): Exemplar => ({
      at,
      value,
      traceId,
      spanId: "",
      labels: {},
    });
    const many = Array.from({ length: 1000 }, (_, i) => made(i / 10, i % 7));
    const few = thinned(many, 0, 100, 10, 2);
    expect(few).toHaveLength(20);
    expect(few.every((one) => one.value === 6)).toBe(true);
    expect(few.map((one) => one.at)).toEqual(few.map((one) => one.at).toSorted((a, b) => a - b));
    expect(thinned([made(1, 1, "t"), made(1.1, 2, "t")], 0, 100, 10, 2)).toHaveLength(1);
  });
});

describe("marksNear", () => {
  it("finds moments near by, and periods that are going on", () => {
    const marks = [
      { at: 100, color: "--a", label: "moment" },
      { at: 50, until: 90, color: "--a", label: "period" },
    ];
    const near = (time: number) => marksNear(marks, time, 2).map((mark) => mark.label);
    expect(near(99)).toEqual(["moment"]);
    expect(near(70)).toEqual(["period"]);
    expect(near(95)).toEqual([]);
  });
});
