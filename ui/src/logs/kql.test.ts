import { describe, expect, it } from "vitest";

import { narrowed } from "./kql";

describe("narrowed", () => {
  it.each([
    ["", "level: error"],
    ["level: error", "level: error"],
    ["a and level: error", "a and level: error"],
    ["service: shop", "service: shop and level: error"],
    ['"a or b" and (x or y)', '"a or b" and (x or y) and level: error'],
    ["not a and b >= 3", "not a and b >= 3 and level: error"],
    ["service: (a or b)", "service: (a or b) and level: error"],
    // Words side by side are alternatives, as is what `or` is between; `and` would bind more.
    ["connection refused", "(connection refused) and level: error"],
    ["a or b", "(a or b) and level: error"],
    ["(a) or b", "((a) or b) and level: error"],
    ["error -service:mail", "(error -service:mail) and level: error"],
    ["(a", "((a) and level: error"],
  ])("%j", (query, expected) => {
    expect(narrowed(query, "level: error")).toBe(expected);
  });
});
