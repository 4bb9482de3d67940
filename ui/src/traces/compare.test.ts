import { describe, expect, it } from "vitest";

import type { Span, Trace, TraceSummary } from "../api/traces";
import {
  attributeDifferences,
  candidates,
  causes,
  changeOf,
  compare,
  type ComparedRow,
  inOrder,
  onceEach,
  searchesLike,
  shownRows,
} from "./compare";
import { spanFrom } from "./made";

function makeTrace(spans: Span[]): Trace {
  const end = Math.max(...spans.map((span) => span.start_ms + span.duration_ms));
  return {
    trace_id: "t",
    start_ms: 0,
    duration_ms: end,
    services: [...new Set(spans.map((span) => span.service))],
    spans,
    truncated: false,
  };
}

/** "depth name from to [!]": a span, in the order of a waterfall. */
function trace(...lines: string[]): Trace {
  return makeTrace(
    lines.map((line, i) => {
      const [depth, name, from, to, failed] = line.split(" ");
      return spanFrom(`${String(i)}`, Number(depth), Number(from), Number(to), {
        name: name ?? "",
        status: failed === "!" ? "error" : "unset",
      });
    }),
  );
}

const told = (row: ComparedRow): string =>
  `${"  ".repeat(row.depth)}${row.name} ${String(row.a?.spans.length ?? 0)}/${String(row.b?.spans.length ?? 0)}`;

const A = trace(
  "0 order 0 100",
  "1 stock 10 30",
  "1 charge 40 60",
  "2 query 45 50",
  "1 query 70 80",
  "1 query 80 90",
);
const B = trace(
  "0 order 0 300",
  "1 stock 10 30",
  "1 audit 30 35",
  "1 charge 40 240 !",
  "2 retry 50 230",
  "1 query 250 260",
);

describe("compare", () => {
  it("matches spans by the path of calls, and counts those of one path together", () => {
    expect(compare(A, B).rows.map(told)).toEqual([
      "order 1/1",
      "  stock 1/1",
      "  audit 0/1",
      "  charge 1/1",
      "    query 1/0",
      "    retry 0/1",
      "  query 2/1",
    ]);
  });

  it("tells service and kind apart", () => {
    const root = spanFrom("0", 0, 0, 1, { name: "root" });
    const one = makeTrace([root, spanFrom("1", 1, 0, 1, { name: "x", service: "s" })]);
    const other = makeTrace([root, spanFrom("1", 1, 0, 1, { name: "x", service: "s", kind: "client" })]);
    expect(compare(one, other).rows.map(told)).toEqual(["root 1/1", "  x 1/0", "  x 0/1"]);
  });

  it("takes the only roots for each other whatever they are called, and so what is below", () => {
    const old = trace("0 v1 0 9", "1 query 1 2");
    const next = trace("0 v2 0 9", "1 query 1 5");
    const { rows } = compare(old, next);
    expect(rows.map(told)).toEqual(["v1 1/1", "  query 1/1"]);
    expect(rows.map((row) => row.other?.name ?? null)).toEqual(["v2", null]);
    expect(compare(next, old).rows.map((row) => row.id)).toEqual(rows.map((row) => row.id));
    expect(shownRows(compare(old, next), new Set(), { text: "v2", differences: false })).toHaveLength(1);
    expect(compare(old, trace("0 v2 0 9", "0 v3 0 9")).rows.map(told)).toContain("v1 1/0");
  });

  it("sums durations up, with and without what is below", () => {
    const charge = compare(A, B).rows.find((row) => row.name === "charge");
    expect(charge?.a).toMatchObject({ total_ms: 20, self_ms: 15, errors: 0 });
    expect(charge?.b).toMatchObject({ total_ms: 200, self_ms: 20, errors: 1 });
    expect(compare(A, B).rows.at(-1)?.a).toMatchObject({ total_ms: 20, spans: [4, 5] });
  });

  it("gives a row the same id when the traces change places, and each row its own", () => {
    const ids = (rows: ComparedRow[]): string[] => rows.map((row) => row.id).sort();
    expect(ids(compare(A, B).rows)).toEqual(ids(compare(B, A).rows));
    expect(new Set(ids(compare(A, B).rows)).size).toBe(7);
  });

  it("compares ten thousand spans of each in a breath, also where they are one below another", () => {
    const deep = makeTrace(
      Array.from({ length: 10_000 }, (_, i) =>
        spanFrom(String(i), i, i / 10_000, 2, { name: `n${String(i % 9)}` }),
      ),
    );
    const flat = makeTrace(
      Array.from({ length: 10_000 }, (_, i) =>
        spanFrom(String(i), i === 0 ? 0 : 1, 0, 2, { name: `n${String(i)}` }),
      ),
    );
    expect(compare(deep, deep).rows).toHaveLength(10_000);
    expect(compare(flat, flat).rows.every((row) => !row.moved)).toBe(true);
    expect(compare(deep, flat).rows).toHaveLength(19_998);
  }, 60_000);
});

describe("inOrder", () => {
  const text = (a: string, b: string): string =>
    inOrder([...a], [...b])
      .map((one) => one.key + (one.moved ? "~" : ""))
      .join("");

  it.each([
    ["", "", ""],
    ["abc", "abc", "abc"],
    ["abc", "abxc", "abxc"],
    ["abxc", "abc", "abxc"],
    ["abc", "xyz", "abcxyz"],
    ["", "xy", "xy"],
    ["abcd", "dabc", "abcd~"],
    ["abcd", "badc", "ab~cd~"],
    ["ace", "abcde", "abcde"],
  ])("puts %j and %j in the order %j", (a, b, expected) => {
    const moved = (shown: string): number => shown.split("~").length - 1;
    const shown = text(a, b);
    expect(shown.replaceAll("~", "")).toHaveLength(new Set(a + b).size);
    expect(moved(shown)).toBe(moved(expected));
    if (moved(expected) === 0) {
      expect(shown).toBe(expected);
    }
  });
});

describe("changes", () => {
  const comparison = compare(A, B);
  const change = (name: string): string | undefined => {
    const row = comparison.rows.find((one) => one.name === name && one.depth <= 1);
    return row && changeOf(row, comparison);
  };

  it("are told by what is most to be said", () => {
    expect(change("order")).toBe("slower");
    expect(change("stock")).toBe("same");
    expect(change("audit")).toBe("onlyB");
    expect(change("charge")).toBe("errors");
  });

  it("are shown alone with what leads to them", () => {
    const shown = shownRows(comparison, new Set(), { text: "", differences: true });
    expect(shown.map((row) => row.name)).toEqual(["order", "audit", "charge", "query", "retry", "query"]);
  });

  it("are found by name, and hidden below what is collapsed", () => {
    const found = shownRows(comparison, new Set(), { text: "RETRY", differences: false });
    expect(found.map((row) => row.name)).toEqual(["order", "charge", "retry"]);
    const collapsed = new Set([comparison.rows[3]?.id ?? ""]);
    expect(shownRows(comparison, collapsed, { text: "", differences: false })).toHaveLength(5);
  });
});

describe("causes", () => {
  it("name what the second trace waits longer for, and what for less", () => {
    const [first] = causes(compare(A, B));
    expect([first?.row.name, first?.by_ms]).toEqual(["retry", 180]);
  });

  it("sum up to the difference of the durations", () => {
    const sum = causes(compare(A, B), 100).reduce((total, one) => total + one.by_ms, 0);
    expect(Math.abs(sum - 200)).toBeLessThan(200 * 0.1);
  });

  it("are none where nothing differs", () => {
    expect(causes(compare(A, A))).toEqual([]);
  });
});

it("compares attributes as texts, and knows what one has not got", () => {
  expect(attributeDifferences({ a: 1, b: "x", same: true }, { a: "1", c: null, same: true })).toEqual([
    { name: "a", a: "1", b: "1" },
    { name: "b", a: "x", b: null },
    { name: "c", a: null, b: "null" },
    { name: "same", a: "true", b: "true" },
  ]);
});

describe("candidates", () => {
  const summary = (trace_id: string, start_ms: number, duration_ms: number, error_count = 0): TraceSummary =>
    ({ trace_id, start_ms, duration_ms, error_count }) as TraceSummary;

  it("are chosen among the others, each once with all that speaks for it", () => {
    const found = [
      summary("own", 50, 10),
      summary("later", 60, 20),
      summary("before", 40, 5),
      summary("failed", 30, 90, 2),
    ];
    expect(
      candidates(found, { trace_id: "own", start_ms: 50 }).map((one) => [one.trace.trace_id, one.why]),
    ).toEqual([
      ["before", "one before it without errors, the fastest without errors"],
      ["later", "the middle one"],
      ["failed", "the slowest, the last with errors"],
    ]);
  });

  it("are looked for among the newest, and among those before it that went well", () => {
    const [root] = trace("0 POST 0 10").spans;
    const day = 86_400_000;
    const asked = root === undefined ? [] : searchesLike(root, 2 * day);
    const hour = 3_600_000;
    expect(asked.map((one) => [one["status"], one["start_ms"], one["end_ms"], one["name"]])).toEqual([
      [undefined, day, 3 * day, "POST"],
      ...["unset", "ok"].flatMap((status) =>
        [0, hour, 6 * hour].map((earlier) => [status, day, 2 * day - earlier, "POST"]),
      ),
    ]);
    const twice = [summary("a", 1, 1), summary("b", 1, 1), summary("a", 1, 1)];
    expect(onceEach(twice).map((one) => one.trace_id)).toEqual(["a", "b"]);
  });

  it("are none where there is no other", () => {
    expect(candidates([summary("own", 1, 1)], { trace_id: "own", start_ms: 1 })).toEqual([]);
  });
});
