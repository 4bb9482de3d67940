import { afterEach, describe, expect, it } from "vitest";

import { zone } from "../state/zone.svelte";
import {
  clockTime,
  dateTime,
  dayOf,
  momentOf,
  parseTime,
  preciseTime,
  shownDate,
  utcTime,
  wallTime,
} from "./time";

const MS = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

afterEach(() => {
  zone.utc = false;
  process.env["TZ"] = "UTC";
});

describe("times in a zone", () => {
  it("are the reader's own, or UTC where that was chosen", () => {
    process.env["TZ"] = "Asia/Kolkata";
    expect([dateTime(MS), preciseTime(MS), dayOf(MS)]).toEqual([
      "2026-01-02 08:34:05",
      "08:34:05.006",
      "2026-01-02",
    ]);
    expect(shownDate(MS).getHours()).toBe(8);
    zone.utc = true;
    expect([dateTime(MS), clockTime(MS)]).toEqual(["2026-01-02 03:04:05", "03:04:05"]);
    expect(shownDate(MS).getHours()).toBe(3);
    expect(utcTime(MS)).toBe("2026-01-02 03:04:05.006 UTC");
  });

  it("before 1970 have milliseconds as well", () => {
    expect(preciseTime(-1)).toBe("23:59:59.999");
  });

  it("are read as they are written", () => {
    for (const tz of ["UTC", "America/New_York", "Asia/Kolkata"]) {
      process.env["TZ"] = tz;
      for (const utc of [false, true]) {
        zone.utc = utc;
        expect(parseTime(`${dayOf(MS)} ${preciseTime(MS)}`)).toBe(MS);
        expect(momentOf(wallTime(MS))).toBe(MS);
      }
    }
  });
});

describe("parseTime", () => {
  it.each([
    ["2026-11-22 14:03:09", Date.UTC(2026, 10, 22, 14, 3, 9)],
    ["2026-11-22T14:03", Date.UTC(2026, 10, 22, 14, 3)],
    ["2026-11-22", Date.UTC(2026, 10, 22)],
    ["2026-11-22 14:03:09.25", Date.UTC(2026, 10, 22, 14, 3, 9, 250)],
    ["2026-11-22 14:03:09,123456", Date.UTC(2026, 10, 22, 14, 3, 9, 123)],
    ["2026-11-22T14:03:09Z", Date.UTC(2026, 10, 22, 14, 3, 9)],
    ["2026-11-22 14:03:09.000 UTC", Date.UTC(2026, 10, 22, 14, 3, 9)],
    ["2026-11-22T14:03:09+05:30", Date.UTC(2026, 10, 22, 8, 33, 9)],
    ["2026-11-22T14:03:09-0800", Date.UTC(2026, 10, 22, 22, 3, 9)],
    ["2024-02-29", Date.UTC(2024, 1, 29)],
  ])("reads %j", (text, ms) => {
    expect(parseTime(text)).toBe(ms);
  });

  it.each([
    "",
    "noon",
    "2026-02-29",
    "2026-13-01",
    "2026-11-22 24:01",
    "2026-11-22 14:60",
    "22.11.2026",
    "2026-11-22 x",
  ])("does not take %j for a time", (text) => {
    expect(parseTime(text)).toBeNull();
  });
});
