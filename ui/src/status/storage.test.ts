import { describe, expect, it } from "vitest";

import type { Held, Holding } from "../api/status";
import { bytesPerItem, growth, outlook } from "./storage";

const SPANS: Holding = {
  signal: "traces",
  items: 1100,
  unsealed: 100,
  segments: 2,
  bytes: 50_000,
  oldest_ms: 0,
  newest_ms: 1,
};
const HELD: Held = {
  folder: "/data",
  signals: [SPANS],
  journal_bytes: 10_000,
  damaged_files: 0,
  damaged_bytes: 0,
  read_by_others: false,
  retention_seconds: 100,
  retention_bytes: 160_000,
  free_bytes: null,
  counters: {},
};

describe("growth", () => {
  it("is by what a sealed item takes", () => {
    expect(bytesPerItem(SPANS)).toBe(50);
    expect(growth(SPANS, 20)).toBe(1000);
  });

  it("is not known before anything is sealed or a rate is known", () => {
    expect(growth({ ...SPANS, unsealed: 1100 }, 20)).toBeNull();
    expect(growth(SPANS, null)).toBeNull();
  });
});

describe("outlook", () => {
  it("is full once the rest is used up", () => {
    expect(outlook(HELD, 2000)).toEqual({ settles: 200_000, fullIn: 50 });
  });

  it("is never full where segments go by their age before", () => {
    expect(outlook(HELD, 1000)).toEqual({ settles: 100_000, fullIn: null });
  });

  it("is never full without a limit or without growth", () => {
    expect(outlook({ ...HELD, retention_bytes: 0, retention_seconds: 0 }, 1000).fullIn).toBeNull();
    expect(outlook(HELD, 0).fullIn).toBeNull();
  });
});
