import { describe, expect, it } from "vitest";

import type { Span } from "../api/traces";
import { criticalPath } from "./critical";
import { makeSpan, spanFrom } from "./made";
import { makeRows } from "./waterfall";

/** The path as "name from-to", in the order of time. */
function path(...spans: Span[]): string[] {
  return criticalPath(makeRows(spans)).map(
    ({ index, from, to }) => `${spans[index]?.name ?? "?"} ${String(from)}-${String(to)}`,
  );
}

describe("criticalPath", () => {
  it("is the root where it is alone", () => {
    expect(path(spanFrom("root", 0, 0, 100))).toEqual(["root 0-100"]);
    expect(path()).toEqual([]);
  });

  it("goes through children one after another and the gaps between them", () => {
    expect(path(spanFrom("root", 0, 0, 100), spanFrom("a", 1, 10, 30), spanFrom("b", 1, 40, 80))).toEqual([
      "root 0-10",
      "a 10-30",
      "root 30-40",
      "b 40-80",
      "root 80-100",
    ]);
  });

  it("goes on where one child begins as the other ends", () => {
    expect(path(spanFrom("root", 0, 0, 100), spanFrom("a", 1, 0, 50), spanFrom("b", 1, 50, 100))).toEqual([
      "a 0-50",
      "b 50-100",
    ]);
  });

  it("takes of children that overlap the one that finishes last, then what had finished before it began", () => {
    // b runs beside c and is not waited for; a had finished when c began.
    expect(
      path(
        spanFrom("root", 0, 0, 100),
        spanFrom("a", 1, 5, 30),
        spanFrom("b", 1, 20, 60),
        spanFrom("c", 1, 40, 90),
      ),
    ).toEqual(["root 0-5", "a 5-30", "root 30-40", "c 40-90", "root 90-100"]);
  });

  it("goes down into grandchildren and back", () => {
    expect(
      path(
        spanFrom("root", 0, 0, 100),
        spanFrom("a", 1, 10, 90),
        spanFrom("b", 2, 20, 40),
        spanFrom("c", 3, 25, 30),
        spanFrom("d", 2, 50, 70),
      ),
    ).toEqual([
      "root 0-10",
      "a 10-20",
      "b 20-25",
      "c 25-30",
      "b 30-40",
      "a 40-50",
      "d 50-70",
      "a 70-90",
      "root 90-100",
    ]);
  });

  it("cuts a child that outlives its parent, and what is below it", () => {
    expect(
      path(spanFrom("root", 0, 0, 50), spanFrom("async", 1, 30, 200), spanFrom("below", 2, 40, 150)),
    ).toEqual(["root 0-30", "async 30-40", "below 40-50"]);
  });

  it("cuts a child that a wrong clock begins before its parent", () => {
    expect(path(spanFrom("root", 0, 10, 50), spanFrom("early", 1, 0, 30))).toEqual([
      "early 10-30",
      "root 30-50",
    ]);
  });

  it("leaves out children that lie outside of their parent, with all below them", () => {
    expect(
      path(
        spanFrom("root", 0, 10, 50),
        spanFrom("before", 1, 0, 10),
        spanFrom("after", 1, 60, 80),
        spanFrom("below", 2, 20, 30),
      ),
    ).toEqual(["root 10-50"]);
  });

  it("takes a child that covers its parent for all of it", () => {
    expect(path(spanFrom("root", 0, 10, 50), spanFrom("wide", 1, 0, 90))).toEqual(["wide 10-50"]);
  });

  it("begins at the root, where an orphan began before it", () => {
    expect(path(spanFrom("lost", 0, 0, 500, { orphan: true }), spanFrom("root", 0, 10, 50))).toEqual([
      "root 10-50",
    ]);
    expect(path(spanFrom("lost", 0, 0, 500, { orphan: true }))).toEqual(["lost 0-500"]);
  });

  it("covers the root without gap or overlap, however children lie", () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48271) % 2147483647;
      return seed % below;
    };
    for (let round = 0; round < 200; round += 1) {
      const spans = [spanFrom("root", 0, 100, 1000)];
      for (let i = 0, depth = 0; i < 30; i += 1) {
        depth = 1 + random(depth + 1);
        const from = random(1100);
        spans.push(spanFrom(String(i), depth, from, from + random(600)));
      }
      const sections = criticalPath(makeRows(spans));
      expect(sections[0]?.from).toBe(100);
      expect(sections.at(-1)?.to).toBe(1000);
      sections.slice(1).forEach((section, i) => {
        expect(section.from).toBe(sections[i]?.to);
      });
    }
  });

  it("does not mind how deep a trace is", () => {
    const spans = Array.from({ length: 20_000 }, (_, i) =>
      makeSpan(String(i), i, { duration_ms: 20_000 - i }),
    );
    expect(criticalPath(makeRows(spans))).toHaveLength(20_000);
  });
});
