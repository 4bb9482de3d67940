import { describe, expect, it } from "vitest";

import { type Entry, KEPT, readEntries, searchEntries, withRun, withStar } from "./history";

const texts = (entries: Entry[]): string[] => entries.map((one) => one.text);

describe("history", () => {
  it("has the newest first, and each once", () => {
    let entries: Entry[] = [];
    for (const [at, text] of ["a", "b", "a"].entries()) {
      entries = withRun(entries, text, at);
    }
    expect(texts(entries)).toEqual(["a", "b"]);
    expect(entries[0]?.at).toBe(2);
  });

  it("keeps a hundred, and favourites beside them", () => {
    let entries = withStar(withRun([], "kept", 0), "kept");
    for (let at = 1; at <= KEPT + 20; at += 1) {
      entries = withRun(entries, `query ${String(at)}`, at);
    }
    expect(entries).toHaveLength(KEPT + 1);
    expect(texts(entries)).toContain("kept");
    expect(texts(entries)).not.toContain("query 20");
    expect(texts(entries)).toContain("query 21");
  });

  it("keeps the star of what is run again", () => {
    const entries = withRun(withStar(withRun([], "up", 1), "up"), "up", 2);
    expect(entries).toEqual([{ text: "up", at: 2, favourite: true }]);
    expect(withStar(entries, "up")[0]?.favourite).toBe(false);
  });

  it("finds by words, favourites first", () => {
    let entries = withRun(withRun(withRun([], "rate(a[5m])", 1), "sum(rate(b[5m]))", 2), "up", 3);
    entries = withStar(entries, "rate(a[5m])");
    expect(texts(searchEntries(entries, "5m RATE"))).toEqual(["rate(a[5m])", "sum(rate(b[5m]))"]);
    expect(searchEntries(entries, "nothing")).toEqual([]);
  });

  it.each([undefined, null, 7, "x", [], { metrics: 3 }, { metrics: [1, null, { text: 3 }] }])(
    "is empty where %j was kept",
    (kept) => {
      expect(readEntries(kept)).toEqual({ metrics: [], logs: [], traces: [] });
    },
  );

  it("reads what it wrote", () => {
    const metrics = withRun([], "up", 5);
    expect(readEntries({ metrics, logs: [], traces: [] }).metrics).toEqual(metrics);
  });
});
