import { describe, expect, it } from "vitest";

import type { MatrixSeries } from "../../api/metrics";
import { emptyQuery } from "../state";
import { type Filled, fillIn } from "./fill";
import {
  columnsOf,
  labelColumn,
  MOST_LINES,
  nextSort,
  type Outcome,
  problemsOf,
  readGraph,
  readNumber,
  readRows,
  readSort,
  shares,
  sortRows,
} from "./results";

const STEPS = { start: 0, end: 40, step: 10 };

function outcome<T>(index: number, data: T, more: Partial<Outcome<T>> = {}): Outcome<T> {
  const answer = { data, warnings: [], infos: [] };
  return { index, query: emptyQuery("up"), filled: plain("up"), answer, took: 1, ...more };
}

function plain(text: string): Filled {
  return { text, place: (offset) => offset };
}

const series = (metric: Record<string, string>, ...values: [number, string][]): MatrixSeries => ({
  metric,
  values,
});

describe("readGraph", () => {
  it("lays series on the steps, with gaps where there is nothing to draw", () => {
    const graph = readGraph(
      [outcome(0, [series({ a: "1" }, [0, "1"], [20, "NaN"], [30, "+Inf"], [40, "3"])])],
      STEPS,
    );
    expect(graph.times).toEqual([0, 10, 20, 30, 40]);
    expect(graph.lines[0]).toMatchObject({
      values: [1, null, null, null, 3],
      last: 3,
      min: 1,
      max: 3,
      mean: 2,
    });
  });

  it("names series of two queries apart and says of which they are", () => {
    const graph = readGraph(
      [
        outcome(0, [series({ b: "2" }, [0, "1"]), series({ a: "1" }, [0, "1"])]),
        outcome(2, [series({ a: "1" }, [0, "2"])]),
      ],
      STEPS,
    );
    expect(graph.lines.map((one) => [one.letter, one.name])).toEqual([
      ["A", '{a="1"}'],
      ["A", '{b="2"}'],
      ["C", '{a="1"} (2)'],
    ]);
  });

  it("draws no more than can be read and says how many there are", () => {
    const many = Array.from({ length: MOST_LINES + 50 }, (_, i) => series({ i: String(i) }, [0, "1"]));
    const graph = readGraph([outcome(0, many), outcome(1, [series({ late: "1" }, [0, "1"])])], STEPS);
    expect(graph.lines).toHaveLength(MOST_LINES);
    expect(graph.found).toBe(MOST_LINES + 51);
    // The many of one query leave room for those of another.
    expect(graph.lines.at(-1)?.name).toBe('{late="1"}');
  });

  it("has no time beyond a range that is shorter than two steps", () => {
    expect(readGraph([], { start: 0.5, end: 2, step: 1 }).times).toEqual([0.5, 1.5]);
    expect(readGraph([], { start: 0, end: 0.3, step: 0.1 }).times).toHaveLength(4);
  });

  it("counts what was refused", () => {
    const refused = { index: 0, query: emptyQuery("up["), filled: plain("up["), error: "no", took: 1 };
    expect(readGraph([refused, outcome(1, [])], STEPS).failed).toBe(1);
  });

  it("counts native histograms, which have no line", () => {
    const graph = readGraph(
      [outcome(0, [{ metric: {}, histograms: [[0, { count: "1", sum: "2" }]] } as MatrixSeries])],
      STEPS,
    );
    expect([graph.lines.length, graph.histograms]).toEqual([0, 1]);
  });
});

describe("readRows", () => {
  it("reads each kind of result", () => {
    const rows = readRows([
      outcome(0, {
        resultType: "vector" as const,
        result: [{ metric: { a: "1" }, value: [0, "5"] as [number, string] }],
      }),
      outcome(1, { resultType: "scalar" as const, result: [0, "NaN"] as [number, string] }),
      outcome(2, { resultType: "string" as const, result: [0, "7"] as [number, string] }),
      outcome(3, { resultType: "matrix" as const, result: [series({}, [0, "1"], [5, "2"])] }),
      outcome(4, {
        resultType: "vector" as const,
        result: [
          {
            metric: {},
            histogram: [0, { count: "9", sum: "3" }] as [number, { count: string; sum: string }],
          },
        ],
      }),
    ]);
    expect(rows.map((row) => [row.letter, row.value, row.text])).toEqual([
      ["A", 5, "5"],
      ["B", Number.NaN, "NaN"],
      ["C", null, "7"],
      ["D", 2, "2"],
      ["E", 9, "9"],
    ]);
    expect(rows[3]?.samples).toHaveLength(2);
    expect(rows[4]?.histogram?.sum).toBe("3");
  });
});

describe("sortRows", () => {
  const rows = readRows([
    outcome(0, {
      resultType: "vector" as const,
      result: [
        ["10", "2"],
        ["9", "NaN"],
        ["100", "1"],
        ["", "30"],
      ].map(([i = "", value = ""]) => ({
        metric: (i === "" ? {} : { i }) as Record<string, string>,
        value: [0, value] as [number, string],
      })),
    }),
  ]);
  const order = (sort: string): string[] => sortRows(rows, readSort(sort)).map((row) => row.text);

  it.each([
    ["", "2 NaN 1 30"],
    ["value:desc", "30 2 1 NaN"],
    ["value:asc", "1 2 30 NaN"],
    ["label.i:asc", "30 NaN 2 1"],
    ["label.i:desc", "1 2 NaN 30"],
  ])("by %j", (sort, texts) => {
    expect(order(sort).join(" ")).toBe(texts);
  });

  it("by a label that is named as another column", () => {
    const named = readRows([
      outcome(0, {
        resultType: "vector" as const,
        result: [
          { metric: { value: "b" }, value: [0, "2"] as [number, string] },
          { metric: { value: "a" }, value: [0, "1"] as [number, string] },
        ],
      }),
    ]);
    const sort = readSort(nextSort(null, labelColumn("value")));
    expect(sortRows(named, sort).map((row) => row.text)).toEqual(["1", "2"]);
  });

  it("goes through the orders of a column and back", () => {
    const orders = [""];
    for (let i = 0; i < 3; i += 1) {
      orders.push(nextSort(readSort(orders.at(-1) ?? ""), "value"));
    }
    expect(orders).toEqual(["", "value:desc", "value:asc", ""]);
    expect(nextSort(readSort("value:asc"), labelColumn("job"))).toBe("label.job:asc");
  });
});

describe("shares", () => {
  it.each([
    [[5, 5], 20, [5, 5]],
    [[500, 1], 10, [9, 1]],
    [[500, 500, 2], 10, [4, 4, 2]],
    [[], 10, []],
  ])("%j of %d are %j", (counts, most, taken) => {
    expect(shares(counts, most)).toEqual(taken);
  });
});

describe("columnsOf", () => {
  const rows = (...metrics: Record<string, string>[]) =>
    readRows([
      outcome(0, {
        resultType: "vector" as const,
        result: metrics.map((metric) => ({ metric, value: [0, "1"] as [number, string] })),
      }),
    ]);

  it("keeps apart what rows have alike", () => {
    const found = columnsOf(rows({ __name__: "up", job: "a", x: "1" }, { __name__: "up", job: "b" }));
    expect(found.columns).toEqual(["job", "x"]);
    expect(found.common).toEqual({ __name__: "up" });
  });

  it("shows all labels of a single row", () => {
    expect(columnsOf(rows({ job: "a", __name__: "up" })).columns).toEqual(["__name__", "job"]);
  });
});

describe("readNumber", () => {
  it.each([
    ["1e3", 1000],
    ["+Inf", Infinity],
    ["-Inf", -Infinity],
    ["NaN", Number.NaN],
    ["", null],
    ["text", null],
  ])("%j is %s", (text, value) => {
    expect(readNumber(text)).toEqual(value);
  });
});

describe("problemsOf", () => {
  it("marks the text as it was written, not as it was asked", () => {
    const expr = "rate(x[$__rate_interval]) + ratee(y)";
    const filled = fillIn(expr, { start: 0, end: 60, step: 15 }, { from: 0, to: 60_000 });
    const error = 'invalid parameter "query": 1:16: parse error: unknown function with name "ratee"';
    const [problem] = problemsOf([{ index: 0, query: emptyQuery(expr), filled, error, took: 1 }]);
    expect(expr.slice(problem?.from, problem?.to)).toBe("ratee");
  });

  it("says each thing once, and not that more was there than was asked for", () => {
    const answer = { data: [], warnings: ["results truncated due to limit", "w"], infos: ["i (1:1)"] };
    const problems = problemsOf([outcome(0, [], { answer }), outcome(0, [], { answer }), undefined]);
    expect(problems.map((one) => [one.severity, one.message])).toEqual([
      ["warning", "w"],
      ["info", "i (1:1)"],
    ]);
  });
});
