import { describe, expect, it } from "vitest";

import type { TimeRange } from "../time/range";
import { exploredHref } from "./explored";
import { madeConfig } from "./made";

const panel = { field: madeConfig({ unit: "reqps" }), time_from: "", time_shift: "" };
const loaded = { shown: { from: 1000.4, to: 2000, earlier: 0, note: "" }, queries: [], searches: [] };
const hour: TimeRange = { kind: "last", ms: 3_600_000 };

describe("exploredHref", () => {
  it("leads to Explore with all queries, their legends, the unit and the time", () => {
    const queries = [
      { expr: "rate(a[1m])", legend: "{{job}}" },
      { expr: 'b{x="&"}', legend: "" },
    ];
    const url = new URL(exploredHref(panel, { ...loaded, queries }, hour) ?? "", "http://x.test");
    expect(url.pathname).toBe("/explore");
    expect([...url.searchParams]).toEqual([
      ["expr", "rate(a[1m])"],
      ["A.legend", "{{job}}"],
      ["expr", 'b{x="&"}'],
      ["unit", "reqps"],
      ["range", "1h"],
    ]);
  });

  it("leads to the lines, at the panel's own time", () => {
    const own = { ...panel, time_shift: "1d" };
    expect(exploredHref(own, { ...loaded, searches: ["level: error"] }, hour)).toBe(
      "/logs?query=level%3A+error&from=1000&to=2000",
    );
  });

  it("leads nowhere where a panel asks for neither", () => {
    expect(exploredHref(panel, loaded, hour)).toBeNull();
  });
});
