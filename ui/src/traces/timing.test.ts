import { describe, expect, it } from "vitest";

import { spanFrom } from "./made";
import { noticesOf, selfTimes } from "./timing";
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
    const found = noticesOf(rows);
    expect(found).toMatchObject({ orphans: 1, skewed: 1, skewMs: 3, outliving: 1 });
    expect([...found.bySpan]).toEqual([
      [1, ["it begins 3 ms before its parent: their clocks differ"]],
      [2, ["it goes on for 30 ms after its parent has ended"]],
      [4, ["its parent beef is not stored"]],
    ]);
  });
});
