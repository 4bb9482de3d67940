import { describe, expect, it } from "vitest";

import { spanFrom } from "./made";
import { noticesAt, noticesOf, selfTimes } from "./timing";
import { makeRows } from "./waterfall";

describe("selfTimes", () => {
  it("leaves out what children do, those that overlap once", () => {
    const rows = makeRows([
      spanFrom("root", 0, 0, 100),
      spanFrom("a", 1, 10, 40),
      spanFrom("below a", 2, 10, 20),
      spanFrom("b", 1, 30, 60),
      spanFrom("within b", 1, 35, 50),
      spanFrom("c", 1, 80, 90),
    ]);
    expect(selfTimes(rows)).toEqual([40, 20, 10, 30, 15, 10]);
  });

  it("counts children only while their parent runs", () => {
    const rows = makeRows([
      spanFrom("root", 0, 10, 20),
      spanFrom("early", 1, 0, 12),
      spanFrom("late", 1, 18, 50),
      spanFrom("after", 1, 30, 40),
    ]);
    expect(selfTimes(rows)[0]).toBe(6);
  });

  it("is nothing where a child runs all the time, or the span ends before it begins", () => {
    expect(selfTimes(makeRows([spanFrom("root", 0, 0, 0.3), spanFrom("all", 1, 0, 0.1 + 0.2)]))).toEqual([
      0,
      0.1 + 0.2,
    ]);
    expect(selfTimes(makeRows([spanFrom("back", 0, 5, 3)]))).toEqual([0]);
  });
});

describe("noticesOf", () => {
  it("tells orphans, clocks that differ, and work that outlives its parent", () => {
    const rows = makeRows([
      spanFrom("root", 0, 10, 20),
      spanFrom("early", 1, 7, 12),
      spanFrom("late", 1, 18, 50),
      spanFrom("fits", 1, 10, 20),
      spanFrom("orphan", 0, 30, 40, { orphan: true, parent_span_id: "beef" }),
    ]);
    expect(noticesOf(rows)).toEqual({ orphans: 1, skewed: 1, skewMs: 3, outliving: 1 });
    expect(rows.map((row) => noticesAt(rows, row))).toEqual([
      [],
      ["it begins 3 ms before its parent: their clocks differ"],
      ["it goes on for 30 ms after its parent has ended"],
      [],
      ["its parent beef is not stored"],
    ]);
  });

  it("tells a span whose id another has, and one that ends before it begins", () => {
    const rows = makeRows([spanFrom("same", 0, 0, 9), spanFrom("same", 1, 1, 2), spanFrom("back", 1, 5, 3)]);
    expect(rows.map((row) => noticesAt(rows, row))).toEqual([
      [],
      ["another span of the trace has the same id"],
      ["it ends before it begins"],
    ]);
  });
});
