import { describe, expect, it } from "vitest";

import type { DataFrame } from "../data/fields";
import { cellsOf, column, frameOf, madeConfig, seriesOf, times } from "./made";
import { isKnownTransform, transform } from "./transform";
import { filterRows } from "./transforms/rows";

function apply(frames: DataFrame[], id: string, options: Record<string, unknown> = {}): DataFrame[] {
  return transform(frames, [{ id, options }], madeConfig());
}

const people = frameOf(
  column("name", ["b", "a", "c"]),
  column("team", ["x", "y", "x"]),
  column("Value", [3, 1, null]),
);

describe("transform", () => {
  it("organises: hides, orders and renames, by a field's own name too", () => {
    const [made] = apply([people], "organize", {
      excludeByName: { team: true },
      indexByName: { Value: 0, name: 1 },
      renameByName: { Value: "Score" },
    });
    expect(Object.keys(cellsOf(made))).toEqual(["Score", "name"]);
  });

  it("merges: rows that agree in what all frames have become one", () => {
    const cpu = frameOf(column("host", ["a", "b"]), column("Value #A", [1, 2]));
    const ram = frameOf(column("host", ["b", "c"]), column("Value #B", [20, 30]));
    expect(cellsOf(apply([cpu, ram], "merge")[0])).toEqual({
      host: ["a", "b", "c"],
      "Value #A": [1, 2, null],
      "Value #B": [null, 20, 30],
    });
  });

  it("merges no two rows that disagree", () => {
    const one = frameOf(column("host", ["a"]), column("zone", ["x"]));
    const other = frameOf(column("host", ["a"]), column("zone", ["y"]));
    expect(cellsOf(apply([one, other], "merge")[0])["zone"]).toEqual(["x", "y"]);
  });

  it("joins by time, and by a field", () => {
    const [made] = apply([seriesOf("r", [1, 2]), seriesOf("w", [5])], "joinByField");
    expect(cellsOf(made)).toEqual({ Time: [0, 1000], r: [1, 2], w: [5, null] });
    const left = frameOf(column("id", ["a", "b"]), column("m", [1, 2]));
    const right = frameOf(column("id", ["b", "c"]), column("n", [7, 8]));
    expect(cellsOf(apply([left, right], "joinByField", { byField: "id", mode: "inner" })[0])).toEqual({
      id: ["b"],
      m: [2],
      n: [7],
    });
    expect(cellsOf(apply([left, right], "joinByField", { byField: "id" })[0])["n"]).toEqual([null, 7, 8]);
  });

  it("reduces series to rows, with their labels where these are asked for", () => {
    const series = [seriesOf("a", [1, 3], { job: "x" }), seriesOf("b", [4, null], { job: "y" })];
    expect(cellsOf(apply(series, "reduce", { reducers: ["mean", "lastNotNull"] })[0])).toEqual({
      Field: ["a", "b"],
      Mean: [2, 4],
      "Last *": [3, 4],
    });
    expect(cellsOf(apply(series, "reduce", { reducers: ["max"], labelsToFields: true })[0])["job"]).toEqual([
      "x",
      "y",
    ]);
    expect(cellsOf(apply(series, "reduce", { reducers: ["max"], mode: "reduceFields" })[0])).toEqual({
      a: [3],
    });
  });

  it("makes columns of labels, one of which may name the value", () => {
    const series = [seriesOf("a", [1], { job: "x", env: "p" }), seriesOf("b", [2], { job: "y", env: "p" })];
    expect(cellsOf(apply(series, "labelsToFields")[0])).toEqual({
      Time: [0, 0],
      env: ["p", "p"],
      job: ["x", "y"],
      Value: [1, 2],
    });
    expect(cellsOf(apply(series, "labelsToFields", { valueLabel: "job" })[0])).toEqual({
      Time: [0],
      env: ["p"],
      x: [1],
      y: [2],
    });
  });

  it.each([
    [{ include: { names: ["name"] } }, ["name"]],
    [{ include: { pattern: "/^(name|Val.*)$/" } }, ["name", "Value"]],
    [{ exclude: { names: ["Value"] } }, ["name", "team"]],
  ])("filters fields by name: %j", (options, left) => {
    expect(Object.keys(cellsOf(apply([people], "filterFieldsByName", options)[0]))).toEqual(left);
  });

  it("filters by what fields are shown as where it filters by a pattern", () => {
    const [made] = apply([seriesOf("read", [1])], "filterFieldsByName", { exclude: { pattern: "/^Val/" } });
    expect(Object.keys(cellsOf(made))).toEqual(["Time", "read"]);
  });

  it("filters by query", () => {
    const frames = [seriesOf("a", [1]), seriesOf("b", [1], {}, "B")];
    expect(apply(frames, "filterByRefId", { include: "B" }).map((one) => one.name)).toEqual(["b"]);
    expect(apply(frames, "filterByRefId", { include: "/A|B/" })).toHaveLength(2);
  });

  it("renames by a pattern, never the time", () => {
    const [made] = apply([seriesOf("node-1.example", [1])], "renameByRegex", {
      regex: "(.*)\\.example",
      renamePattern: "$1",
    });
    expect(Object.keys(cellsOf(made))).toEqual(["Time", "node-1"]);
    expect(apply([people], "renameByRegex", { regex: "(", renamePattern: "" })).toEqual([people]);
  });

  it("sorts, numbers as numbers, what is missing first, or last where descending", () => {
    expect(
      cellsOf(apply([people], "sortBy", { sort: [{ field: "Value", desc: false }] })[0])["name"],
    ).toEqual(["c", "a", "b"]);
    expect(cellsOf(apply([people], "sortBy", { sort: [{ field: "Value", desc: true }] })[0])["name"]).toEqual(
      ["b", "a", "c"],
    );
    const ten = frameOf(column("n", ["10", "9"]));
    expect(cellsOf(apply([ten], "sortBy", { sort: [{ field: "n" }] })[0])["n"]).toEqual(["9", "10"]);
  });

  it("groups", () => {
    const options = {
      fields: {
        team: { operation: "groupby" },
        Value: { operation: "aggregate", aggregations: ["sum", "count"] },
      },
    };
    expect(cellsOf(apply([people], "groupBy", options)[0])).toEqual({
      team: ["x", "y"],
      "Value (sum)": [3, 1],
      "Value (count)": [2, 1],
    });
  });

  it("filters rows by what fields show", () => {
    const shown = (typed: string) => cellsOf(filterRows(people, people.fields.slice(0, 1), typed))["name"];
    expect([shown(" A"), shown("x"), shown("")]).toEqual([["a"], [], ["b", "a", "c"]]);
  });

  it("groups, and takes texts and times as they are", () => {
    const frame = frameOf(
      times([1000, 3000, 2000]),
      column("host", ["a", "a", "b"]),
      column("version", ["1.0", "1.1", null]),
    );
    const aggregated = (aggregations: string[]) => ({ operation: "aggregate", aggregations });
    const fields = {
      host: { operation: "groupby" },
      version: aggregated(["lastNotNull", "uniqueValues"]),
      Time: aggregated(["max", "count"]),
    };
    const [made] = apply([frame], "groupBy", { fields });
    expect(cellsOf(made)).toEqual({
      host: ["a", "b"],
      "Time (max)": [3000, 2000],
      "Time (count)": [2, 1],
      "version (lastNotNull)": ["1.1", null],
      "version (uniqueValues)": ["1.0, 1.1", ""],
    });
    expect(made?.fields.map((one) => one.kind)).toEqual(["string", "time", "number", "string", "string"]);
    const counted = { host: { operation: "groupby" }, version: { operation: "count" } };
    expect(cellsOf(apply([frame], "groupBy", { fields: counted })[0])["version (count)"]).toEqual([2, 1]);
  });

  it("fills the variables of its options", () => {
    const step = { id: "sortBy", options: { sort: [{ field: "$by", desc: false }] } };
    const [made] = transform([people], [step], madeConfig(), (text) => text.replace("$by", "Value"));
    expect(cellsOf(made)["name"]).toEqual(["c", "a", "b"]);
  });

  it("calculates of two fields, of a field and a number, and of a row", () => {
    const frame = frameOf(column("a", [6, 1, null]), column("b", [3, 0, 1]));
    const binary = (options: Record<string, unknown>, more = {}) =>
      cellsOf(apply([frame], "calculateField", { mode: "binary", binary: options, ...more })[0]);
    expect(binary({ left: "a", operator: "/", right: "b" })["a / b"]).toEqual([2, null, null]);
    expect(
      binary(
        { left: "a", operator: "*", right: { fixed: "100" } },
        { alias: "percent", replaceFields: true },
      ),
    ).toEqual({ percent: [600, 100, null] });
    expect(
      cellsOf(apply([frame], "calculateField", { mode: "reduceRow", reduce: { reducer: "sum" } })[0])[
        "Total"
      ],
    ).toEqual([9, 1, 1]);
  });

  it("calculates with series of one time", () => {
    const [made] = apply([seriesOf("r", [1, 2]), seriesOf("w", [5, 6])], "calculateField", {
      mode: "reduceRow",
      reduce: { reducer: "max" },
    });
    expect(cellsOf(made)["Max"]).toEqual([5, 6]);
  });

  it.each([
    [[{ fieldName: "Value", config: { id: "greater", options: { value: 1 } } }], "include", "any", ["b"]],
    [[{ fieldName: "Value", config: { id: "isNull", options: {} } }], "exclude", "any", ["b", "a"]],
    [
      [{ fieldName: "name", config: { id: "regex", options: { value: "a|c" } } }],
      "include",
      "any",
      ["a", "c"],
    ],
    [
      [
        { fieldName: "team", config: { id: "equal", options: { value: "x" } } },
        { fieldName: "Value", config: { id: "isNotNull", options: {} } },
      ],
      "include",
      "all",
      ["b"],
    ],
  ])("filters rows: %j", (filters, type, match, names) => {
    expect(cellsOf(apply([people], "filterByValue", { filters, type, match })[0])["name"]).toEqual(names);
  });

  it("limits, and leaves alone what it does not know", () => {
    expect(cellsOf(apply([people], "limit", { limitField: 2 })[0])["name"]).toEqual(["b", "a"]);
    expect(apply([people], "of no name")).toEqual([people]);
    expect(isKnownTransform("organize")).toBe(true);
    expect(isKnownTransform("of no name")).toBe(false);
  });

  it("puts series into rows, the newest first", () => {
    const frames = [frameOf(times([0, 1000]), column("Value", [1, 2], { title: "a" }))];
    expect(cellsOf(apply(frames, "seriesToRows")[0])).toEqual({
      Time: [1000, 0],
      Metric: ["a", "a"],
      Value: [2, 1],
    });
  });

  it("takes options of any kind", () => {
    for (const id of [
      "organize",
      "filterFieldsByName",
      "reduce",
      "sortBy",
      "groupBy",
      "calculateField",
      "filterByValue",
      "joinByField",
      "limit",
      "merge",
    ]) {
      for (const options of [
        {},
        { fields: 3, sort: [null], include: [], filters: [{}], binary: { left: null } },
      ]) {
        expect(() => apply([people], id, options as Record<string, unknown>)).not.toThrow();
        expect(() => apply([], id, options as Record<string, unknown>)).not.toThrow();
      }
    }
  });
});
