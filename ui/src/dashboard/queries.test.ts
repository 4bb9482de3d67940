import { afterEach, describe, expect, it, vi } from "vitest";

import type { Target } from "../api/dashboards";
import { dashboardOf, panelOf } from "./boards.testing";
import {
  builtIns,
  panelRange,
  readSeconds,
  targetQuery,
  targetSteps,
  writeSeconds,
  type PanelContext,
} from "./queries";

const context = (more: Parameters<typeof dashboardOf>[0] = {}): PanelContext => ({
  dashboard: dashboardOf(more),
  values: new Map(),
  key: "",
});
const panel = panelOf(1, { x: 0, y: 0, w: 12, h: 8 });
const target = (expr: string, more: Partial<Target> = {}): Target => ({
  ref_id: "A",
  source: "prometheus",
  expr,
  legend_format: "",
  format: "time_series",
  instant: false,
  exemplar: false,
  interval: "",
  interval_factor: 1,
  logs: "lines",
  traces: null,
  ...more,
});
const hour = { from: 0, to: 3_600_000 };
const NOW = 10_000_000;

describe("durations", () => {
  it.each([
    ["30s", 30],
    ["1h30m", 5400],
    ["250ms", 0.25],
    ["2w", 1_209_600],
    ["", null],
    ["x", null],
    ["5", null],
  ])("reads %j as %s s", (text, seconds) => {
    expect(readSeconds(text)).toBe(seconds);
  });

  it.each([
    [15, "15s"],
    [60, "1m"],
    [90, "90s"],
    [7200, "2h"],
    [0.375, "375ms"],
    [1.5, "1s500ms"],
    [86_400, "1d"],
  ])("writes %s s as %s", (seconds, text) => {
    expect(writeSeconds(seconds)).toBe(text);
    expect(readSeconds(text)).toBeCloseTo(seconds, 9);
  });
});

describe("targetSteps", () => {
  it("has about as many points as there are pixels, in steps that people know", () => {
    expect(targetSteps(hour, panel, target("up"), 400, context()).step).toBe(15);
    expect(targetSteps({ from: 0, to: 86_400_000 }, panel, target("up"), 500, context()).step).toBe(300);
  });

  it("takes no steps shorter than a scrape, nor than the file asks for", () => {
    const short = { from: 0, to: 60_000 };
    expect(targetSteps(short, panel, target("up"), 1000, context()).step).toBe(15);
    expect(targetSteps(hour, { ...panel, interval: ">2m" }, target("up"), 1000, context()).step).toBe(120);
    expect(targetSteps(hour, panel, target("up", { interval: "5m" }), 1000, context()).step).toBe(300);
    expect(targetSteps(hour, panel, target("up", { interval_factor: 2 }), 240, context()).step).toBe(30);
    expect(targetSteps(hour, { ...panel, max_data_points: 60 }, target("up"), 1000, context()).step).toBe(60);
  });

  it("takes what the file asks for in the file's time", () => {
    const fast = context({ time_factor: 40 });
    expect(targetSteps({ from: 0, to: 90_000 }, panel, target("up"), 1000, fast).step).toBeCloseTo(0.375, 9);
  });

  it("begins and ends at multiples of its step", () => {
    const steps = targetSteps({ from: 1_234_567, to: 9_876_543 }, panel, target("up"), 300, context());
    expect(steps.start % steps.step).toBe(0);
    expect(steps.end % steps.step).toBe(0);
    expect(steps.end).toBeGreaterThan(steps.start);
  });

  it("asks a range that has no two steps for its end", () => {
    const steps = targetSteps(
      { from: 1_000_000, to: 4_600_000 },
      { ...panel, max_data_points: 1 },
      target("up"),
      1000,
      context(),
    );
    expect(steps).toEqual({ start: 4600, end: 4600, step: 3600 });
  });

  it("stays below what the server evaluates", () => {
    const year = { from: 0, to: 31_536_000_000 };
    const steps = targetSteps(year, { ...panel, max_data_points: 100_000 }, target("up"), 1000, context());
    expect((steps.end - steps.start) / steps.step).toBeLessThanOrEqual(11_000);
  });
});

describe("builtIns", () => {
  it.each([
    ["__interval", "", "1m"],
    ["__interval_ms", "", "60000"],
    ["__rate_interval", "", "75s"],
    ["__range", "", "1h"],
    ["__range_s", "", "3600"],
    ["__from", "", "0"],
    ["__to", "date:iso", "1970-01-01T01:00:00.000Z"],
    ["__to", "date:YYYY-MM-DD HH:mm", "1970-01-01 01:00"],
    ["__to", "date:seconds", "3600"],
    ["__dashboard", "", "Board"],
    ["job", "", undefined],
  ])("gives $%s in the format %j as %s", (name, format, expected) => {
    expect(builtIns(hour, 60, context())(name, "", format)).toBe(expected);
  });

  it("keeps four scrapes in a rate", () => {
    expect(builtIns(hour, 15, context())("__rate_interval", "", "")).toBe("1m");
  });

  it("speaks in the file's time where time runs faster", () => {
    const given = builtIns({ from: 0, to: 90_000 }, 0.375, context({ time_factor: 40 }));
    expect(given("__interval", "", "")).toBe("15s");
    expect(given("__rate_interval", "", "")).toBe("1m");
    expect(given("__range", "", "")).toBe("1h");
  });
});

describe("panelRange", () => {
  it("is the dashboard's", () => {
    expect(panelRange(panel, { kind: "last", ms: 60_000 }, NOW, context())).toEqual({
      from: NOW - 60_000,
      to: NOW,
      earlier: 0,
      note: "",
    });
  });

  it("may be another, and earlier", () => {
    const own = { ...panel, time_from: "now-2h", time_shift: "1d" };
    expect(panelRange(own, { kind: "last", ms: 60_000 }, NOW, context())).toEqual({
      from: NOW - 7_200_000 - 86_400_000,
      to: NOW - 86_400_000,
      earlier: 86_400_000,
      note: "last 2 h, 1 d earlier",
    });
    expect(
      panelRange({ ...own, hide_time_override: true }, { kind: "last", ms: 1 }, NOW, context()).note,
    ).toBe("");
  });

  it("is only shifted where the reader chose a range", () => {
    const own = { ...panel, time_from: "2h" };
    expect(panelRange(own, { kind: "between", from: 5, to: 9 }, NOW, context())).toMatchObject({
      from: 5,
      to: 9,
    });
  });
});

describe("targetQuery", () => {
  const never = new AbortController().signal;
  const steps = { start: 0, end: 3600, step: 15 };

  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("replaces variables", async () => {
    const given = {
      ...context(),
      values: new Map([["job", { values: ["a", "b"], texts: [], all: false, allValue: "", many: true }]]),
    };
    const query = await targetQuery(
      target('rate(x{job=~"$job"}[$__rate_interval])'),
      panel,
      hour,
      steps,
      given,
      never,
    );
    expect(query).toBe('rate(x{job=~"(a|b)"}[1m])');
  });

  it("has durations divided after that where time runs faster, once for each text", async () => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", (url: string) => {
      const query = new URL(url, "http://x.test").searchParams.get("query") ?? "";
      asked.push(query);
      return Promise.resolve(new Response(JSON.stringify({ query: `scaled ${query}` })));
    });
    const fast = context({ time_factor: 40 });
    const one = target("rate(x[$__rate_interval])");
    for (let i = 0; i < 3; i += 1) {
      expect(
        await targetQuery(one, panel, { from: 0, to: 90_000 }, { ...steps, step: 0.375 }, fast, never),
      ).toBe("scaled rate(x[1m])");
    }
    expect(asked).toEqual(["rate(x[1m])"]);
  });
});
