import { describe, expect, it } from "vitest";

import { aggregate, flatten, frameAt, layout, type Box } from "./flame";
import { makeSpan, spanFrom } from "./made";
import { selfTimes } from "./timing";
import { makeRows } from "./waterfall";

const rows = makeRows([
  spanFrom("root", 0, 0, 100),
  spanFrom("call", 1, 0, 30, { status: "error" }),
  spanFrom("query", 2, 10, 20),
  spanFrom("call", 1, 40, 50),
  spanFrom("render", 1, 50, 80),
]);
const roots = aggregate(rows, selfTimes(rows));
const told = (boxes: Box[]): string[] =>
  boxes.map(
    ({ frame, left, width, above }) =>
      `${frame.path} ${frame.name} ${left.toFixed(2)}+${width.toFixed(2)}${above ? " above" : ""}`,
  );

describe("aggregate", () => {
  it("puts spans of one path of calls together", () => {
    expect(
      flatten(roots).map(({ path, name, depth, spans, errors, self, total }) => [
        path,
        name,
        depth,
        spans,
        errors,
        self,
        total,
      ]),
    ).toEqual([
      ["0", "root", 0, 1, 0, 30, 100],
      ["0.0", "call", 1, 2, 1, 30, 40],
      ["0.0.0", "query", 2, 1, 0, 10, 10],
      ["0.1", "render", 1, 1, 0, 30, 30],
    ]);
  });

  it("keeps services apart, and the same call below another path", () => {
    const rows = makeRows([
      spanFrom("a", 0, 0, 10),
      spanFrom("x", 1, 0, 5, { service: "one" }),
      spanFrom("x", 1, 5, 10, { service: "two" }),
      spanFrom("x", 2, 5, 10, { service: "one" }),
    ]);
    expect(flatten(aggregate(rows, selfTimes(rows))).map((frame) => [frame.service, frame.path])).toEqual([
      ["s", "0"],
      ["one", "0.0"],
      ["two", "0.1"],
      ["one", "0.1.0"],
    ]);
  });

  it("adds up calls that run at a time, so that a parent is never narrower than its children", () => {
    const rows = makeRows([spanFrom("a", 0, 0, 10), spanFrom("x", 1, 0, 10), spanFrom("y", 1, 0, 10)]);
    const [root] = aggregate(rows, selfTimes(rows));
    expect(root?.total).toBe(20);
    expect(root?.children.map((frame) => frame.total)).toEqual([10, 10]);
  });

  it("does not mind how deep a trace is", () => {
    const rows = makeRows(Array.from({ length: 20_000 }, (_, i) => makeSpan(String(i), i)));
    const deep = aggregate(rows, selfTimes(rows));
    expect(flatten(deep)).toHaveLength(20_000);
    expect(deep[0]?.total).toBeCloseTo(1);
  });
});

describe("layout", () => {
  it("gives children their share of their parent's width", () => {
    expect(told(layout(roots, null, 0))).toEqual([
      "0 root 0.00+1.00",
      "0.0 call 0.00+0.40",
      "0.1 render 0.40+0.30",
      "0.0.0 query 0.00+0.10",
    ]);
  });

  it("zooms to a frame below what is above it", () => {
    expect(told(layout(roots, frameAt(roots, "0.0"), 0))).toEqual([
      "0 root 0.00+1.00 above",
      "0.0 call 0.00+1.00",
      "0.0.0 query 0.00+0.25",
    ]);
  });

  it("leaves out what is too narrow, and keeps the others in their place", () => {
    expect(told(layout(roots, null, 0.35))).toEqual(["0 root 0.00+1.00", "0.0 call 0.00+0.40"]);
  });

  it("puts several roots beside each other, evenly where none took any time", () => {
    const rows = makeRows([spanFrom("a", 0, 0, 0), spanFrom("b", 0, 0, 0)]);
    expect(told(layout(aggregate(rows, selfTimes(rows)), null, 0))).toEqual([
      "0 a 0.00+0.50",
      "1 b 0.50+0.50",
    ]);
  });
});

describe("frameAt", () => {
  it("finds frames by their path alone", () => {
    expect(frameAt(roots, "0.1")?.name).toBe("render");
    for (const path of ["", "7", "0.9", "0.x", "__proto__"]) {
      expect(frameAt(roots, path)).toBeNull();
    }
  });
});
