import { afterEach, describe, expect, it, vi } from "vitest";

import type { Labels } from "../api/metrics";
import type { Dashboard, Panel, Target } from "../api/dashboards";
import { panelOf } from "./boards.testing";
import { loadPanel, rangeFrames, shortlyNamed, table } from "./load";
import { cellsOf, madeConfig, seriesOf } from "./made";

const context = {
  dashboard: { time_factor: 1, scrape_interval: 15 } as Dashboard,
  values: new Map(),
  key: "",
};
const asked = (target: Partial<Target> = {}, several = false) => ({
  target: { ref_id: "A", expr: "up", legend_format: "{{job}}", format: "time_series", ...target } as Target,
  panel: { type: "timeseries", field: madeConfig() } as Panel,
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

  it("leaves infinity where one value is shown, not where it is drawn over time", () => {
    const result = [{ metric: {}, values: [[100, "-Inf"] as [number, string]] }];
    const values = (type: string) =>
      rangeFrames(result, { ...asked(), panel: { type, field: madeConfig() } as Panel })[0]?.fields[1]
        ?.values[0];
    expect([values("timeseries"), values("stat")]).toEqual([null, -Infinity]);
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

describe("shortlyNamed", () => {
  const named = (labels: Record<string, string>[], auto = ["A"]) =>
    shortlyNamed(
      labels.map((one) => seriesOf("long", [1], one)),
      new Set(auto),
    ).map((one) => [one.name, one.fields[1]?.title]);

  it("names by the one label that all have", () => {
    expect(named([{ job: "a" }, { job: "b" }])).toEqual([
      ["a", "a"],
      ["b", "b"],
    ]);
  });

  it.each([
    ["there are others", [{ job: "a" }, { job: "b", host: "x" }], ["A"]],
    ["there is none", [{}], ["A"]],
    ["the legend is another", [{ job: "a" }], ["B"]],
  ])("leaves names where %s", (_, labels, auto) => {
    expect(named(labels as Record<string, string>[], auto).every(([name]) => name === "long")).toBe(true);
  });
});

describe("loadPanel", () => {
  const never = new AbortController().signal;
  const target = (ref_id: string, more: Partial<Target> = {}): Target => ({
    ref_id,
    source: "prometheus",
    expr: ref_id.toLowerCase(),
    legend_format: "__auto",
    format: "time_series",
    instant: false,
    exemplar: false,
    interval: "",
    interval_factor: 1,
    logs: "lines",
    traces: null,
    ...more,
  });
  const load = (targets: Target[], more: Partial<Panel> = {}) =>
    loadPanel(
      panelOf(1, { x: 0, y: 0, w: 1, h: 1 }, { targets, field: madeConfig(), ...more }),
      { kind: "between", from: 0, to: 60_000 },
      100,
      context,
      never,
    );
  const serve = (answer: (params: URLSearchParams) => object): void => {
    vi.stubGlobal("fetch", (address: string) => {
      const body = answer(new URL(address, "http://x.test").searchParams);
      return Promise.resolve(new Response(JSON.stringify(body), { status: "error" in body ? 422 : 200 }));
    });
  };

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("shows what one query gives where another fails, and says so", async () => {
    serve((params) =>
      params.get("query") === "a"
        ? { data: { result: [{ metric: { job: "x" }, values: [[15, "1"]] }] } }
        : { error: "the disk is on fire" },
    );
    const { frames, warnings, queries } = await load([target("A"), target("B")]);
    expect(frames.map((one) => one.name)).toEqual(["x"]);
    expect(warnings).toEqual(["Query B failed: the disk is on fire"]);
    expect(queries).toEqual([{ expr: "a", legend: "" }]);
    await expect(load([target("B"), target("B")])).rejects.toThrow("the disk is on fire");
  });

  it("says once what several queries are warned of, and that series were left out", async () => {
    const limits: (string | null)[] = [];
    serve((params) => {
      limits.push(params.get("limit"));
      return { data: { result: [] }, warnings: ["results truncated due to limit", "odd name"] };
    });
    expect((await load([target("A"), target("B")])).warnings).toEqual([
      "Query A has more than 1000 series; the rest is left out",
      "odd name",
      "Query B has more than 1000 series; the rest is left out",
    ]);
    expect(limits).toEqual(["1000", "1000"]);
  });

  it("tells the values of a table's instant queries apart whatever their format", async () => {
    serve(() => ({ data: { resultType: "vector", result: [{ metric: {}, value: [60, "+Inf"] }] } }));
    const instant = { instant: true };
    const { frames } = await load([target("A", instant), target("B", instant)], { type: "table" });
    expect(frames.map((one) => cellsOf(one))).toEqual([
      { Time: [60_000], "Value #A": [Infinity] },
      { Time: [60_000], "Value #B": [Infinity] },
    ]);
  });

  it("puts the lines of several queries into one order, each once", async () => {
    const line = (id: string, time_ms: number) => ({ id, time_ms });
    serve((params) => ({
      logs: params.get("query") === "a" ? [line("2", 2), line("1", 1)] : [line("3", 3), line("1", 1)],
      next: null,
    }));
    const lines = { source: "logs" as const };
    const { lines: found } = await load([target("A", lines), target("B", lines)], { type: "logs" });
    expect(found.map((one) => one.id)).toEqual(["3", "2", "1"]);
  });
});
