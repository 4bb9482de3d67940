import { expect, it } from "vitest";

import type { LogRecord } from "../api/logs";
import { exactTime, linesText } from "./write";

it("the time of a line has all its digits, also where a number has not", () => {
  expect(exactTime({ id: "1795000000042118007-5", time_ms: 1795000000042.1182 })).toBe(
    "2026-11-18 11:06:40.042118007 UTC",
  );
});

it("lines are written one below the other", () => {
  const log = { time_ms: 1795000000042, level: "", service: "", body: "a\nb" } as LogRecord;
  expect(linesText([log, { ...log, level: "WARN", service: "shop" }], "text")).toBe(
    "2026-11-18T11:06:40.042Z - -: a\nb\n2026-11-18T11:06:40.042Z WARN shop: a\nb\n",
  );
  expect(JSON.parse(linesText([log], "ndjson"))).toEqual(log);
});
