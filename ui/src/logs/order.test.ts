import { expect, it } from "vitest";

import type { LogRecord } from "../api/logs";
import { arrivedAfter, merged } from "./order";

const at = (id: string, time_ms = 1.5): LogRecord => ({ id, time_ms }) as LogRecord;

it("lines of several searches stand once each, as in one search", () => {
  const lines = [at("1500000-8"), at("1500000-10"), at("9-1", 9), at("1500001-9"), at("1500000-8")];
  expect(merged(lines).map((line) => line.id)).toEqual(["9-1", "1500001-9", "1500000-10", "1500000-8"]);
});

it("a line arrived after another by a number of any length", () => {
  expect(arrivedAfter("1-9007199254740993", "2-9007199254740992")).toBe(true);
  expect(arrivedAfter("1-9", "1-10")).toBe(false);
  expect(arrivedAfter("1-9", "")).toBe(true);
});
