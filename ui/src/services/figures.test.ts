import { expect, test } from "vitest";

import { formatRate } from "./figures";

test.each([
  [0, 3600, "0/s"],
  [7200, 3600, "2/s"],
  [360, 3600, "0.1/s"],
  [300, 3600, "5/min"],
  [2, 3600, "2/h"],
  [1, 30 * 86_400, "0.00139/h"],
])("%d calls in %d s are %s", (calls, seconds, text) => {
  expect(formatRate(calls, seconds)).toBe(text);
});
