import { describe, expect, it } from "vitest";

import { makeSpan } from "./made";
import {
  ancestors,
  barPlace,
  labelSide,
  levelsOf,
  makeRows,
  parentsFrom,
  parseWindow,
  ticks,
  visibleRows,
  writeWindow,
} from "./waterfall";

//  a ── b ── c
//  │    └─── d (failed)
//  └─── e
//  f (another root)
const rows = makeRows([
  makeSpan("a", 0),
  makeSpan("b", 1),
  makeSpan("c", 2),
  makeSpan("d", 2, { status: "error" }),
  makeSpan("e", 1),
  makeSpan("f", 0),
]);
const ids = (collapsed: string): string =>
  visibleRows(rows, new Set(collapsed))
    .map((row) => row.span.span_id)
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

  it("tells spans of one id apart by their keys", () => {
    const rows = makeRows([makeSpan("a", 0), makeSpan("b", 1), makeSpan("a", 1), makeSpan("a", 1)]);
    expect(rows.map((row) => row.key)).toEqual(["a", "b", "a-2", "a-3"]);
    expect(
      visibleRows(makeRows([makeSpan("a", 0), makeSpan("a", 0), makeSpan("b", 1)]), new Set(["a"])),
    ).toHaveLength(3);
  });

  it("does not take long for a chain of 10,000 spans", () => {
    const chain = makeRows(Array.from({ length: 10_000 }, (_, i) => makeSpan(String(i), i)));
    expect(chain[0]?.descendants).toBe(9_999);
    expect(ancestors(chain, 9_999)).toHaveLength(9_999);
  });
});

describe("visibleRows", () => {
  it("hides all that is below a collapsed span", () => {
    expect(ids("")).toBe("abcdef");
    expect(ids("b")).toBe("abef");
    expect(ids("a")).toBe("af");
    expect(ids("ab")).toBe("af");
    expect(ids("c")).toBe("abcdef");
  });
});

describe("levels", () => {
  it("are seen as many as are asked for", () => {
    for (const [levels, seen] of [
      [1, "af"],
      [2, "abef"],
      [3, "abcdef"],
    ] as const) {
      const collapsed = new Set(parentsFrom(rows, levels));
      expect(
        visibleRows(rows, collapsed)
          .map((row) => row.span.span_id)
          .join(""),
      ).toBe(seen);
      expect(levelsOf(visibleRows(rows, collapsed))).toBe(levels);
    }
  });

  it("are found above a span", () => {
    expect(ancestors(rows, 3)).toEqual([1, 0]);
    expect(ancestors(rows, 5)).toEqual([]);
  });
});

describe("barPlace", () => {
  const whole = { from: 0, to: 100 };

  it("is in percent of the window", () => {
    expect(barPlace(25, 50, whole)).toEqual({ left: 25, width: 50, outside: null });
    expect(barPlace(25, 50, { from: 50, to: 100 })).toEqual({ left: 0, width: 50, outside: null });
  });

  it("stays visible and inside", () => {
    expect(barPlace(0, 0, whole).width).toBeGreaterThan(0);
    const late = barPlace(100, 40, whole);
    expect(late.left + late.width).toBeCloseTo(100);
    expect(barPlace(-5, 10, whole)).toMatchObject({ left: 0, width: 5 });
  });

  it("says on which side of the window a bar is", () => {
    expect(barPlace(0, 10, { from: 20, to: 30 }).outside).toBe("before");
    expect(barPlace(40, 10, { from: 20, to: 30 }).outside).toBe("after");
    expect(barPlace(10, 10, { from: 20, to: 30 }).outside).toBeNull();
  });

  it("fills the lane of a trace without length", () => {
    expect(barPlace(0, 0, { from: 0, to: 0 })).toEqual({ left: 0, width: 100, outside: null });
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
  it("divides a window into a few round parts", () => {
    expect(ticks({ from: 0, to: 2412 })).toEqual([0, 500, 1000, 1500, 2000]);
    expect(ticks({ from: 130, to: 180 })).toEqual([130, 140, 150, 160, 170, 180]);
    expect(ticks({ from: 0, to: 0 })).toEqual([0]);
    for (const total of [0.003, 1, 7, 49, 1234, 98_765]) {
      const marks = ticks({ from: 0, to: total });
      expect(marks.length).toBeGreaterThanOrEqual(3);
      expect(marks.length).toBeLessThanOrEqual(7);
      expect(marks.at(-1)).toBeLessThanOrEqual(total * 1.0001);
    }
  });
});

describe("a window in the URL", () => {
  it("is read and written", () => {
    expect(parseWindow("12.5-80", 100)).toEqual({ from: 12.5, to: 80 });
    expect(writeWindow({ from: 12.5, to: 80 }, 100)).toBe("12.50-80.00");
    expect(parseWindow(writeWindow({ from: 0.00123, to: 0.00456 }, 1) ?? "", 1)).toEqual({
      from: 0.00123,
      to: 0.00456,
    });
  });

  it("is the whole trace where it makes no sense", () => {
    for (const text of ["", "x", "80-12", "5-5", "200-300"]) {
      expect(parseWindow(text, 100)).toEqual({ from: 0, to: 100 });
    }
    expect(writeWindow({ from: -1, to: 100 }, 100)).toBeNull();
    expect(writeWindow({ from: 5, to: 5 }, 100)).toBeNull();
  });
});
