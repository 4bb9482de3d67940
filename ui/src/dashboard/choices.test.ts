import { afterEach, describe, expect, it, vi } from "vitest";

import type { Variable, VariableQuery } from "../api/dashboards";
import { dashboardOf } from "./boards.testing";
import { AUTO, dependants, settle } from "./choices";

const variable = (name: string, query: VariableQuery | null, more: Partial<Variable> = {}): Variable => ({
  name,
  label: name,
  description: "",
  type: query === null ? "custom" : "query",
  hide: "",
  multi: false,
  include_all: false,
  all_value: "",
  query,
  options: [],
  current: [],
  regex: "",
  sort: { by: "none", desc: false },
  auto: null,
  ...more,
});
const values = (label: string, text: string): VariableQuery => ({ kind: "label_values", label, text });
const shown = { from: 0, to: 3_600_000 };
const never = new AbortController().signal;
const noWish = (): null => null;

/** Answers each path by a function of its parameters; what it throws is an answer of 400. */
function serve(answer: (path: string, params: URLSearchParams) => unknown): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (address: string) => {
    const url = new URL(address, "http://x.test");
    asked.push(`${url.pathname} ${url.searchParams.get("match[]") ?? ""}`.trim());
    try {
      return Promise.resolve(new Response(JSON.stringify({ data: answer(url.pathname, url.searchParams) })));
    } catch (error) {
      const said = error instanceof Error ? error.message : "";
      return Promise.resolve(new Response(JSON.stringify({ error: said }), { status: 400 }));
    }
  });
  return asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("settle", () => {
  it("asks for what depends on a choice with that choice", async () => {
    const asked = serve((path) => (path.includes("/job/") ? ["api", "web"] : ["i1"]));
    const variables = [
      variable("instance", values("instance", 'up{job="$job"}')),
      variable("job", values("job", "")),
    ];
    const found = await settle(dashboardOf({ variables }), noWish, new Set(), shown, never);
    expect(asked).toEqual(["/api/v1/label/job/values", '/api/v1/label/instance/values up{job="api"}']);
    expect(found.map((one) => [one.variable.name, one.chosen.values])).toEqual([
      ["instance", ["i1"]],
      ["job", ["api"]],
    ]);
  });

  it("tells an error at its variable, and settles the others", async () => {
    serve((path) => {
      if (path.includes("/job/")) {
        throw new Error("no such thing");
      }
      return ["x"];
    });
    const variables = [variable("job", values("job", "")), variable("other", values("other", ""))];
    const [job, other] = await settle(dashboardOf({ variables }), noWish, new Set(), shown, never);
    expect(job?.error).toBe("no such thing");
    expect([other?.error, other?.chosen.values]).toEqual(["", ["x"]]);
  });

  it("ends where variables depend on each other", async () => {
    serve(() => ["x"]);
    const variables = [variable("a", values("l", "u{b='$b'}")), variable("b", values("l", "u{a='$a'}"))];
    const found = await settle(dashboardOf({ variables }), noWish, new Set(), shown, never);
    expect(found.map((one) => one.chosen.values)).toEqual([["x"], ["x"]]);
  });

  it("ends where a circle is come upon from two sides", async () => {
    serve(() => ["x"]);
    const variables = [
      variable("y", values("l", "u{z='$z', x='$x'}")),
      variable("x", values("l", "u{y='$y'}")),
      variable("z", values("l", "")),
    ];
    const found = await settle(dashboardOf({ variables }), noWish, new Set(), shown, never);
    expect(found.map((one) => one.chosen.values)).toEqual([["x"], ["x"], ["x"]]);
  });

  it("drops what is not there any more only where what it depends on was changed", async () => {
    serve(() => ["new"]);
    const variables = [variable("a", values("l", ""))];
    const wished = (): string[] => ["old"];
    const kept = await settle(dashboardOf({ variables }), wished, new Set(), shown, never);
    const strict = await settle(dashboardOf({ variables }), wished, new Set(["a"]), shown, never);
    expect([kept[0]?.chosen.values, strict[0]?.chosen.values]).toEqual([["old"], ["new"]]);
  });

  it("takes a part of what a query answers", async () => {
    serve(() => ({
      resultType: "vector",
      result: [{ metric: { __name__: "up", job: "a" }, value: [3600, "7"] }],
    }));
    const query: VariableQuery = { kind: "query_result", label: "", text: "up" };
    const variables = [variable("v", query, { regex: "/.*} (\\d+) .*/" })];
    const [found] = await settle(dashboardOf({ variables }), noWish, new Set(), shown, never);
    expect(found?.options).toEqual([{ text: "7", value: "7" }]);
  });

  it("parts the range by itself", async () => {
    const variables = [
      variable("step", null, {
        type: "interval",
        options: [{ text: "1m", value: "1m" }],
        auto: { count: 30, min: "10s" },
        current: [AUTO],
      }),
    ];
    const [found] = await settle(dashboardOf({ variables }), noWish, new Set(), shown, never);
    expect([found?.chosen.texts, found?.chosen.values]).toEqual([["auto"], ["2m"]]);
  });
});

describe("dependants", () => {
  it("are those over others too", () => {
    const variables = [
      variable("a", values("l", "")),
      variable("b", values("l", "u{a='$a'}")),
      variable("c", values("l", "u{b='$b'}")),
      variable("d", values("l", "")),
    ];
    expect(dependants(variables, "a")).toEqual(new Set(["b", "c"]));
  });
});
