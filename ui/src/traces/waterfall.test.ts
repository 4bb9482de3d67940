import { describe, expect, it } from "vitest";

import type { Span } from "../api/traces";
import { barPlace, labelSide, makeRows, ticks, visibleRows } from "./waterfall";

function span(span_id: string, depth: number, status = "unset"): Span {
  return {
    span_id,
    depth,
    status,
    parent_span_id: "",
    name: span_id,
    kind: "internal",
    service: "s",
    start_ms: 0,
    duration_ms: 1,
    status_message: "",
    attributes: {},
    resource: {},
    events: [],
    links: [],
    orphan: false,
  };
}

//  a ── b ── c
//  │    └─── d (failed)
//  └─── e
//  f (another root)
const rows = makeRows([
  span("a", 0),
  span("b", 1),
  span("c", 2),
  span("d", 2, "error"),
  span("e", 1),
  span("f", 0),
]);
const ids = (collapsed: string[]): string =>
  visibleRows(rows, new Set(collapsed))
    .map((r) => r.span.span_id)
    .join("");

describe("makeRows", () => {
  it("finds parents and counts what is below", () => {
    expect(rows.map((row) => [row.parent, row.children, row.descendants])).toEqual([
      [null, 2, 4],
      [0, 2, 2],
      [1, 0, 0],
      [1, 0, 0],
      [0, 0, 0],
      [null, 0, 0],
    ]);
  });

  it("marks what is above a failed span, and only that", () => {
    expect(rows.filter((row) => row.failedBelow).map((row) => row.span.span_id)).toEqual(["a", "b"]);
  });
});

describe("visibleRows", () => {
  it("hides all that is below a collapsed span", () => {
    expect(ids([])).toBe("abcdef");
    expect(ids(["b"])).toBe("abef");
    expect(ids(["a"])).toBe("af");
    expect(ids(["a", "b"])).toBe("af");
    expect(ids(["c"])).toBe("abcdef");
  });
});

describe("barPlace", () => {
  it("is in percent of the trace", () => {
    expect(barPlace(25, 50, 100)).toEqual({ left: 25, width: 50 });
  });

  it("stays visible and inside", () => {
    expect(barPlace(0, 0, 100).width).toBeGreaterThan(0);
    const late = barPlace(100, 40, 100);
    expect(late.left + late.width).toBeLessThanOrEqual(100);
    expect(barPlace(-5, 10, 100).left).toBe(0);
  });

  it("fills the lane of a trace without length", () => {
    expect(barPlace(0, 0, 0)).toEqual({ left: 0, width: 100 });
  });
});

describe("labelSide", () => {
  it("keeps the label in the lane", () => {
    expect(labelSide({ left: 0, width: 10 })).toBe("after");
    expect(labelSide({ left: 80, width: 20 })).toBe("before");
    expect(labelSide({ left: 0, width: 100 })).toBe("inside");
  });
});

describe("ticks", () => {
  it("divides a trace into a few round parts from 0", () => {
    expect(ticks(2412)).toEqual([0, 500, 1000, 1500, 2000]);
    expect(ticks(0)).toEqual([0]);
    for (const total of [0.003, 1, 7, 49, 1234, 98_765]) {
      const marks = ticks(total);
      expect(marks.length).toBeGreaterThanOrEqual(3);
      expect(marks.length).toBeLessThanOrEqual(7);
      expect(marks.at(-1)).toBeLessThanOrEqual(total * 1.0001);
    }
  });
});
