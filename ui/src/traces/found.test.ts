import { describe, expect, it } from "vitest";

import type { TracePage, TraceSummary } from "../api/traces";
import { extended, NOTHING, refreshed } from "./found";

function trace(trace_id: string, span_count = 1): TraceSummary {
  return {
    trace_id,
    span_count,
    root_service: "s",
    root_name: "n",
    start_ms: 0,
    duration_ms: 1,
    error_count: 0,
    orphan_count: 0,
    services: ["s"],
  };
}

const page = (ids: string, next: string | null = null): TracePage => ({
  traces: [...ids].map((id) => trace(id)),
  next,
});
const ids = (found: { traces: TraceSummary[] }): string => found.traces.map((one) => one.trace_id).join("");

describe("the found traces", () => {
  const first = refreshed(NOTHING, page("dcb", "b"), false);

  it("are the newest page, which is read again", () => {
    expect(ids(first)).toBe("dcb");
    expect(ids(refreshed(first, page("edc", "c"), false))).toBe("edc");
  });

  it("stay in their place while they are read, and the new ones wait", () => {
    const held = refreshed(first, page("fedc", "c"), true);
    expect([ids(held), held.waiting, held.next]).toEqual(["dcb", 2, "b"]);
    const shown = refreshed(held, page("fedc", "c"), false);
    expect([ids(shown), shown.waiting]).toEqual(["fedc", 0]);
  });

  it("are shown at once where none were", () => {
    expect(ids(refreshed(NOTHING, page("ab"), true))).toBe("ab");
  });

  it("tell of more spans even while they are read", () => {
    const held = refreshed(first, { traces: [trace("e"), trace("d", 7)], next: null }, true);
    expect(held.traces[0]?.span_count).toBe(7);
  });

  it("grow by pages, and keep them when the newest is read again", () => {
    const more = extended(first, page("ba", "a"));
    expect([ids(more), more.next]).toEqual(["dcba", "a"]);
    const again = refreshed(more, page("edc", "c"), false);
    expect([ids(again), again.next]).toEqual(["edcba", "a"]);
  });

  it("begin anew where so many came that the pages do not connect", () => {
    const more = extended(first, page("a"));
    const again = refreshed(more, page("zyx", "x"), false);
    expect([ids(again), again.next, again.older]).toEqual(["zyx", "x", false]);
  });
});
