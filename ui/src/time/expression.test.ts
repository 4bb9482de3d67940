import { afterEach, describe, expect, it } from "vitest";

import { zone } from "../state/zone.svelte";
import { parseExpression, writeExpression } from "./expression";
import type { TimeRange } from "./range";

const MIN = 60_000;
const HOUR = 60 * MIN;
const DAY = 24 * HOUR;
/** A Thursday. */
const NOW = Date.UTC(2026, 10, 26, 14, 3, 9);
const MIDNIGHT = Date.UTC(2026, 10, 26);

const last = (ms: number): TimeRange => ({ kind: "last", ms });
const between = (from: number, to: number): TimeRange => ({ kind: "between", from, to });

afterEach(() => {
  zone.utc = false;
  process.env["TZ"] = "UTC";
});

describe("parseExpression", () => {
  it.each<[string, TimeRange]>([
    ["45m", last(45 * MIN)],
    [" 1h30m ", last(90 * MIN)],
    ["2 hours", last(2 * HOUR)],
    ["90 s", last(90_000)],
    ["1.5h", last(90 * MIN)],
    ["last 3 days", last(3 * DAY)],
    ["1w", last(7 * DAY)],
    ["now-6h", last(6 * HOUR)],
    ["-6h", last(6 * HOUR)],
    ["now-6h to now", last(6 * HOUR)],
    ["NOW-6H TO NOW", last(6 * HOUR)],
    ["now-6h to now-3h", between(NOW - 6 * HOUR, NOW - 3 * HOUR)],
    ["-6h - -3h", between(NOW - 6 * HOUR, NOW - 3 * HOUR)],
    ["6h ago to 3h ago", between(NOW - 6 * HOUR, NOW - 3 * HOUR)],
    ["6h ago..now", between(NOW - 6 * HOUR, NOW)],
    ["today", between(MIDNIGHT, NOW)],
    ["Yesterday", between(MIDNIGHT - DAY, MIDNIGHT)],
    ["this week", between(MIDNIGHT - 3 * DAY, NOW)],
    ["last week", between(MIDNIGHT - 10 * DAY, MIDNIGHT - 3 * DAY)],
    ["this hour", between(MIDNIGHT + 14 * HOUR, NOW)],
    ["10:00 to 11:30", between(MIDNIGHT + 10 * HOUR, MIDNIGHT + 11.5 * HOUR)],
    ["9:05 to 9:05:30", between(MIDNIGHT + 9 * HOUR + 5 * MIN, MIDNIGHT + 9 * HOUR + 5.5 * MIN)],
    ["2026-11-20 22:00 to 23:00", between(Date.UTC(2026, 10, 20, 22), Date.UTC(2026, 10, 20, 23))],
    ["2026-11-20 to 2026-11-21", between(Date.UTC(2026, 10, 20), Date.UTC(2026, 10, 21))],
    [
      "2026-11-20T21:00:00.250Z – 2026-11-20T23:00:00+01:00",
      between(Date.UTC(2026, 10, 20, 21, 0, 0, 250), Date.UTC(2026, 10, 20, 22)),
    ],
    ["1764000000 to 1764003600", between(1_764_000_000_000, 1_764_003_600_000)],
    ["1764000000000 to 1764003600000", between(1_764_000_000_000, 1_764_003_600_000)],
    ["2026-11-26 12:00", between(MIDNIGHT + 12 * HOUR - 5 * MIN, MIDNIGHT + 12 * HOUR + 5 * MIN)],
    ['{"from":"now-1h","to":"now"}', last(HOUR)],
    [
      '{"from":"2026-11-20 10:00:00","to":"2026-11-20 11:00:00"}',
      between(Date.UTC(2026, 10, 20, 10), Date.UTC(2026, 10, 20, 11)),
    ],
  ])("reads %j", (text, range) => {
    expect(parseExpression(text, NOW)).toEqual(range);
  });

  it.each([
    "",
    "soon",
    "5 parsecs",
    "0m",
    "40d",
    "now",
    "now to now-1h",
    "2026-02-30",
    "2026-11-20 25:00 to 2026-11-21",
    "11:00 to 10:00",
    "1h to 2h to 3h",
    "{}",
    '{"from": 1}',
  ])("does not take %j for a range", (text) => {
    expect(parseExpression(text, NOW)).toBeNull();
  });

  it("reads what it writes, whatever the zone", () => {
    for (const range of [last(2700_000), between(NOW - HOUR, NOW - 1)]) {
      process.env["TZ"] = "America/New_York";
      const written = writeExpression(range);
      process.env["TZ"] = "Asia/Tokyo";
      expect(parseExpression(written, NOW)).toEqual(range);
    }
  });

  it("counts days in the zone that the reader has chosen", () => {
    process.env["TZ"] = "America/New_York";
    expect(parseExpression("yesterday", NOW)).toEqual(
      between(MIDNIGHT - DAY + 5 * HOUR, MIDNIGHT + 5 * HOUR),
    );
    zone.utc = true;
    expect(parseExpression("yesterday", NOW)).toEqual(between(MIDNIGHT - DAY, MIDNIGHT));
  });

  it("takes the day on which the clocks change as it is", () => {
    process.env["TZ"] = "America/New_York";
    // On 1 November 2026 the day there has 25 hours.
    const range = parseExpression("yesterday", Date.UTC(2026, 10, 2, 18));
    expect(range?.kind === "between" && range.to - range.from).toBe(25 * HOUR);
  });
});
