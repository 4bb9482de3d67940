import { describe, expect, it } from "vitest";

import {
  describeRange,
  fixedParams,
  parseRange,
  parseSpan,
  PRESETS,
  querySteps,
  rangeParams,
  resolveRange,
  shifted,
  writeSpan,
  zoomed,
} from "./range";

const query = (text: string): URLSearchParams => new URLSearchParams(text);

describe("fixedParams", () => {
  it("are the times that a range has now, in place of how far it counts back", () => {
    expect(fixedParams({ kind: "last", ms: 60_000 }, 100_000)).toEqual({
      range: null,
      from: "40000",
      to: "100000",
    });
  });
});

describe("parseRange", () => {
  it.each([
    ["range=15m", { kind: "last", ms: 900_000 }],
    ["", { kind: "last", ms: 60_000 }],
    ["range=15", { kind: "last", ms: 60_000 }],
    ["range=0m", { kind: "last", ms: 60_000 }],
    ["range=99999d", { kind: "last", ms: 60_000 }],
    ["from=1000&to=2000", { kind: "between", from: 1000, to: 2000 }],
    ["from=2000&to=1000&range=5m", { kind: "between", from: 1000, to: 2000 }],
    ["from=2000&to=2000&range=5m", { kind: "last", ms: 300_000 }],
    ["from=1e3&to=2000", { kind: "last", ms: 60_000 }],
    ["from=now-6h&to=now", { kind: "last", ms: 21_600_000 }],
    ["from=now-6h", { kind: "last", ms: 21_600_000 }],
    ["from=now-6h&to=now-1h", { kind: "last", ms: 60_000 }],
    ["from=1970-01-01T00:00:01.000Z&to=1970-01-01T00:00:02Z", { kind: "between", from: 1000, to: 2000 }],
    ["range=2w", { kind: "last", ms: 1_209_600_000 }],
  ])("reads %j", (text, range) => {
    expect(parseRange(query(text), 60_000)).toEqual(range);
  });

  it("reads back what it writes", () => {
    for (const range of [
      { kind: "last", ms: 180_000 },
      { kind: "last", ms: 86_400_000 },
      { kind: "between", from: 1_700_000_000_000, to: 1_700_000_060_000 },
    ] as const) {
      const written = Object.entries(rangeParams(range)).filter(([, value]) => value !== null) as [
        string,
        string,
      ][];
      expect(parseRange(new URLSearchParams(written), 1)).toEqual(range);
    }
  });

  it("writes every preset as it is offered", () => {
    expect(PRESETS.map((text) => writeSpan(parseSpan(text) ?? 0))).toEqual([...PRESETS]);
  });
});

describe("querySteps", () => {
  it("asks for at most about 240 points, aligned so that a refresh asks for the same ones", () => {
    for (const text of PRESETS) {
      const ms = parseSpan(text) ?? 0;
      const now = 1_700_000_123_456;
      const steps = querySteps(resolveRange({ kind: "last", ms }, now));
      expect((steps.end - steps.start) / steps.step).toBeLessThanOrEqual(240);
      expect(steps.end % steps.step).toBe(0);
      expect(steps.start % steps.step).toBe(0);
      expect(steps.end * 1000).toBeLessThanOrEqual(now);
      const later = querySteps(resolveRange({ kind: "last", ms }, now + 300));
      expect(later).toEqual(steps);
    }
  });

  it("asks for the beginning of a range that has no two steps, and for no time outside of it", () => {
    expect(querySteps({ from: 1_000_300, to: 1_000_600 })).toEqual({ start: 1000.3, end: 1000.6, step: 1 });
    expect(querySteps({ from: 1_000_300, to: 1_001_600 })).toEqual({ start: 1000.3, end: 1001.6, step: 1 });
    expect(querySteps({ from: 1_000_300, to: 1_002_600 })).toEqual({ start: 1001, end: 1002, step: 1 });
  });
});

describe("moving and zooming", () => {
  const NOW = 1_700_000_000_000;
  const hour = { kind: "between", from: NOW - 7_200_000, to: NOW - 3_600_000 } as const;

  it("keeps what is up to now up to now", () => {
    expect(zoomed({ kind: "last", ms: 3_600_000 }, NOW, 2)).toEqual({ kind: "last", ms: 7_200_000 });
    expect(zoomed({ kind: "last", ms: 1000 }, NOW, 0.5)).toEqual({ kind: "last", ms: 1000 });
    const year = { kind: "last", ms: 366 * 86_400_000 } as const;
    expect(zoomed(year, NOW, 2)).toEqual(year);
  });

  it("widens an absolute range around its middle, but not into the future", () => {
    expect(zoomed(hour, NOW, 2)).toEqual({ kind: "between", from: NOW - 9_000_000, to: NOW - 1_800_000 });
    expect(zoomed(hour, NOW, 8)).toMatchObject({ to: NOW });
    expect(zoomed(zoomed(hour, NOW, 2), NOW, 0.5)).toEqual(hour);
  });

  it("keeps a range of the future a range, and one of years from before it was", () => {
    const ahead = { kind: "between", from: NOW + 3_600_000, to: NOW + 7_200_000 } as const;
    expect(zoomed(ahead, NOW, 0.5)).toEqual({ kind: "between", from: NOW + 4_500_000, to: NOW + 6_300_000 });
    expect(zoomed(ahead, NOW, 4)).toEqual({ kind: "between", from: NOW - 1_800_000, to: ahead.to });
    const years = { kind: "between", from: NOW - 900 * 86_400_000, to: NOW } as const;
    expect(zoomed(years, NOW, 2)).toMatchObject({ from: NOW - 1350 * 86_400_000 });
    expect(zoomed({ kind: "between", from: 0, to: 3_600_000 }, NOW, 2)).toMatchObject({ from: 0 });
  });

  it("moves by half of the width and back", () => {
    expect(shifted({ kind: "last", ms: 3_600_000 }, NOW, -0.5)).toEqual({
      kind: "between",
      from: NOW - 5_400_000,
      to: NOW - 1_800_000,
    });
    expect(shifted(shifted(hour, NOW, -0.5), NOW, 0.5)).toEqual(hour);
  });

  it("names a range, the day once where it is the same", () => {
    expect(describeRange({ kind: "last", ms: 5_400_000 })).toBe("Last 1 h 30 min");
    const day = Date.UTC(2026, 0, 2);
    expect(describeRange({ kind: "between", from: day, to: day + 60_000 })).toBe(
      "2026-01-02 00:00:00 to 00:01:00",
    );
    expect(describeRange({ kind: "between", from: day - 1000, to: day })).toBe(
      "2026-01-01 23:59:59 to 2026-01-02 00:00:00",
    );
  });
});
