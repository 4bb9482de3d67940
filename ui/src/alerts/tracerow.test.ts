import { describe, expect, it } from "vitest";

import type { SpanPoint } from "../api/traces";
import { longest, rowOfSpan } from "./tracerow";

function aSpan(trace_id: string, span_id: string, duration_ms: number, start_ms = 0): SpanPoint {
  return { trace_id, span_id, service: "shop", name: "GET /", start_ms, duration_ms, status: "unset" };
}

describe("longest", () => {
  it("are the longest first, each trace once, by what is above where two last as long", () => {
    const spans = [
      aSpan("a", "1", 10),
      aSpan("b", "2", 30, 5),
      aSpan("b", "3", 30, 4),
      aSpan("c", "4", 20),
      aSpan("a", "5", 9),
    ];
    expect(longest(spans, 2).map((one) => one.span_id)).toEqual(["3", "4"]);
    expect(longest(spans, 9).map((one) => one.span_id)).toEqual(["3", "4", "1"]);
  });
});

describe("rowOfSpan", () => {
  it("leads to the span in its trace", () => {
    expect(rowOfSpan(aSpan("a", "1", 10)).href).toBe("/trace/a?span=1");
  });
});
