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
    ["40d", last(40 * DAY)],
    ["400d", between(NOW - 400 * DAY, NOW)],
    ["now-1M to now", last(31 * DAY)],
    ["now-1m to now", last(MIN)],
    ["now/d to now", between(MIDNIGHT, NOW)],
    ["now-1d/d to now-1d/d", between(MIDNIGHT - DAY, MIDNIGHT)],
    ["now/w to now/w", between(MIDNIGHT - 3 * DAY, MIDNIGHT + 4 * DAY)],
    ["now-1M/M to now-1M/M", between(Date.UTC(2026, 9, 1), Date.UTC(2026, 10, 1))],
    ["now-1y/y to now-1y/y", between(Date.UTC(2025, 0, 1), Date.UTC(2026, 0, 1))],
    ["now-1h/h to now/h", between(MIDNIGHT + 13 * HOUR, MIDNIGHT + 15 * HOUR)],
    ["now-1d+6h to now-1d+7h", between(NOW - 18 * HOUR, NOW - 17 * HOUR)],
    ["now to now+1h", between(NOW, NOW + HOUR)],
    ["2026-11-20", between(Date.UTC(2026, 10, 20), Date.UTC(2026, 10, 21))],
    ["2026-11-26", between(MIDNIGHT, NOW)],
    [
      "2026-11-20T10:00:00Z/2026-11-20T11:00:00Z",
      between(Date.UTC(2026, 10, 20, 10), Date.UTC(2026, 10, 20, 11)),
    ],
    ["10:00:00.5 to 10:00:01,250", between(MIDNIGHT + 10 * HOUR + 500, MIDNIGHT + 10 * HOUR + 1250)],
    ["1764000000.123456 to 1764003600", between(1_764_000_000_123, 1_764_003_600_000)],
    ["1764000000000000 to 1764003600000000", between(1_764_000_000_000, 1_764_003_600_000)],
    ["1764000000000000000 to 1764003600000000000", between(1_764_000_000_000, 1_764_003_600_000)],
    ['{"from":1764000000000,"to":1764003600000}', between(1_764_000_000_000, 1_764_003_600_000)],
    ["https://grafana.test/d/a/b?orgId=1&from=now-6h&to=now&var-x=y", last(6 * HOUR)],
    [
      "https://grafana.test/d/a?from=2026-11-20T10:00:00.000Z&to=2026-11-20T11:00:00.000Z",
      between(Date.UTC(2026, 10, 20, 10), Date.UTC(2026, 10, 20, 11)),
    ],
    [
      "https://jaeger.test/search?end=1764003600000000&start=1764000000000000",
      between(1_764_000_000_000, 1_764_003_600_000),
    ],
    ["https://kibana.test/app/discover#/?_g=(filters:!(),time:(from:now-15m,to:now))&_a=()", last(15 * MIN)],
    [
      "https://kibana.test/app#/?_g=(time:(from:'2026-11-20T10:00:00.000Z',to:'2026-11-20T11:00:00.000Z'))",
      between(Date.UTC(2026, 10, 20, 10), Date.UTC(2026, 10, 20, 11)),
    ],
    ["http://127.0.0.1:9090/logs?query=a&range=45m", last(45 * MIN)],
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
    "now",
    "now to now-1h",
    "2026-02-30",
    "2026-11-20 25:00 to 2026-11-21",
    "11:00 to 10:00",
    "1h to 2h to 3h",
    "{}",
    '{"from": 1}',
    "now/x to now",
    "now-1d/d to now-2d/d",
    "https://grafana.test/d/a?from=soon&to=now",
    "range=range=1",
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
    const morning = Date.UTC(2026, 10, 2, 5, 30);
    expect(parseExpression("now-1d/d to now-1d/d", morning)).toEqual(
      between(Date.UTC(2026, 10, 1, 4), Date.UTC(2026, 10, 2, 5)),
    );
    expect(parseExpression("now-1d to now", morning)).toEqual(last(DAY));
    // On 8 March it has 23.
    expect(parseExpression("now-1d/d to now-1d/d", Date.UTC(2026, 2, 9, 4, 30))).toEqual(
      between(Date.UTC(2026, 2, 8, 5), Date.UTC(2026, 2, 9, 4)),
    );
  });

  it("rounds to the hour in zones that are not whole hours off, and in one that comes twice", () => {
    process.env["TZ"] = "Asia/Kolkata";
    expect(parseExpression("now/h to now", NOW)).toEqual(between(Date.UTC(2026, 10, 26, 13, 30), NOW));
    process.env["TZ"] = "America/New_York";
    const second = Date.UTC(2026, 10, 1, 6, 20);
    expect(parseExpression("now/h to now", second)).toEqual(between(Date.UTC(2026, 10, 1, 6), second));
  });

  it("stays in a month that is shorter", () => {
    const march = Date.UTC(2026, 2, 31, 12);
    expect(parseExpression("now-1M to now", march)).toEqual(last(march - Date.UTC(2026, 1, 28, 12)));
  });
});
