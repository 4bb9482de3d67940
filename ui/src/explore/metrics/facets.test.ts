import { describe, expect, it } from "vitest";

import type { Labels } from "../../api/metrics";
import { type Chosen, countChosen, facets, groupByPrefix, proposals, toggled, writeSelector } from "./facets";

const SERIES: Labels[] = [
  { __name__: "m", job: "a", code: "200" },
  { __name__: "m", job: "a", code: "500" },
  { __name__: "m", job: "b", code: "200" },
  { __name__: "m", job: "b", code: "200", zone: "x" },
];

const choose = (...pairs: [string, string][]): Chosen =>
  pairs.reduce<Chosen>((chosen, [label, value]) => toggled(chosen, label, value), new Map());

const counts = (chosen: Chosen, label: string): string =>
  (facets(SERIES, chosen).find((one) => one.label === label)?.values ?? [])
    .map((one) => `${one.value}:${String(one.series)}`)
    .join(" ");

describe("facets", () => {
  it("counts series by value, the most frequent first", () => {
    expect(facets(SERIES, new Map()).map((one) => one.label)).toEqual(["code", "job", "zone"]);
    expect(counts(new Map(), "code")).toBe("200:3 500:1");
  });

  it("counts a label by what is chosen of the others alone", () => {
    const chosen = choose(["job", "a"]);
    expect(counts(chosen, "code")).toBe("200:1 500:1");
    expect(counts(chosen, "job")).toBe("a:2 b:2");
    expect(countChosen(SERIES, chosen)).toBe(2);
  });

  it("keeps what is chosen in sight", () => {
    expect(counts(choose(["job", "b"], ["code", "500"]), "code")).toContain("500:0");
  });

  it("takes a choice back", () => {
    expect(choose(["job", "a"], ["job", "a"]).size).toBe(0);
  });
});

describe("writeSelector", () => {
  it.each<[string, [string, string][], string]>([
    ["m", [], "m"],
    ["m", [["a", "x"]], 'm{a="x"}'],
    [
      "m",
      [
        ["a", "x"],
        ["a", "y.z"],
        ["b", 'q"\\'],
      ],
      'm{a=~"x|y\\\\.z", b="q\\"\\\\"}',
    ],
    ["http.requests", [], '{"http.requests"}'],
    ["http.requests", [["http.route", "/a"]], '{"http.requests", "http.route"="/a"}'],
  ])("of %j with %j is %j", (metric, pairs, selector) => {
    expect(writeSelector(metric, choose(...pairs))).toBe(selector);
  });
});

describe("proposals", () => {
  it.each([
    ["x_total", "counter", "rate(x_total[5m])"],
    ["x_seconds_bucket", "histogram", "histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))"],
    ["x_seconds_sum", "histogram", "rate(x_seconds_sum[5m])"],
    ["x_bytes", "gauge", "avg(x_bytes)"],
  ])("of %s (%s) have %s", (metric, type, expr) => {
    expect(proposals(metric, type, metric)[1]?.expr).toBe(expr);
  });
});

describe("groupByPrefix", () => {
  it("groups by the first word", () => {
    expect(groupByPrefix(["go_a", "go_b", "up", "http.x"])).toEqual([
      { prefix: "go", metrics: ["go_a", "go_b"] },
      { prefix: "up", metrics: ["up"] },
      { prefix: "http", metrics: ["http.x"] },
    ]);
  });
});
