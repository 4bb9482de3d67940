import { describe, expect, it } from "vitest";

import { placesOf, rowAt } from "./places";

describe("rows of different heights", () => {
  const places = placesOf(["a", "b", "c"], new Map([["b", 50]]), 10);

  it("stand one below the other", () => {
    expect([...places]).toEqual([0, 10, 60, 70]);
  });

  it.each([
    [-5, 0],
    [0, 0],
    [9.9, 0],
    [10, 1],
    [59, 1],
    [60, 2],
    [1000, 2],
  ])("at %d is row %d", (distance, row) => {
    expect(rowAt(places, distance)).toBe(row);
  });

  it("may be none", () => {
    expect(rowAt(placesOf([], new Map(), 10), 5)).toBe(0);
  });
});
