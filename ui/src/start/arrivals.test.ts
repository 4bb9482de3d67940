import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const NOW = Date.UTC(2026, 10, 26, 12);
const line = { service: "shop & co", time_ms: NOW };

vi.mock("../api/http", () => ({
  OWN: "/own",
  get: (path: string) =>
    Promise.resolve(
      path === "/own/logs"
        ? { logs: [line] }
        : path === "/own/traces"
          ? { traces: [] }
          : { data: { resultType: "vector", result: [] } },
    ),
}));
vi.mock("../api/status", () => ({ getStatus: () => Promise.resolve({ storage: { logs_accepted: 1 } }) }));
vi.mock("../api/metrics", () => ({ getTargets: () => Promise.resolve([]) }));

const { lookForArrivals } = await import("./arrivals");

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("lookForArrivals", () => {
  it.each([
    ["now", 0, {}],
    ["by a clock that is a little ahead", 500, {}],
    ["days ago", -3 * 86_400_000, { from: "1795433400000", to: "1795437000000" }],
    ["in an hour", 3_600_000, { from: "1795696200000", to: "1795699800000" }],
  ])("leads to a line of %s where it is", async (_, offset, range) => {
    line.time_ms = NOW + offset;
    const { spans, lines, samples } = await lookForArrivals(undefined, new AbortController().signal);
    const href = new URL(lines?.href ?? "", "http://here");
    expect([href.pathname, Object.fromEntries(href.searchParams)]).toEqual([
      "/logs",
      { service: "shop & co", ...range },
    ]);
    expect([spans, samples]).toEqual([null, null]);
  });
});
