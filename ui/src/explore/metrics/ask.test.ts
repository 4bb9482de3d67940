import { describe, expect, it } from "vitest";

import { MOST_POINTS, readStep, stepsOf } from "./ask";

describe("readStep", () => {
  it.each([
    ["30s", 30],
    ["1m", 60],
    ["15", 15],
    [" 250 ms ", 0.25],
    ["1.5h", 5400],
    ["", null],
    ["0s", null],
    ["-5s", null],
    ["fast", null],
  ])("%j is %s seconds", (text, seconds) => {
    expect(readStep(text)).toBe(seconds);
  });
});

describe("stepsOf", () => {
  const range = { from: 1_000_000, to: 4_600_000 };

  it("takes a step that was typed, aligned to it", () => {
    expect(stepsOf(range, "1m")).toEqual({ start: 1020, end: 4560, step: 60 });
  });

  it("chooses one where none was typed, or none that is one", () => {
    expect(stepsOf(range, "").step).toBe(15);
    expect(stepsOf(range, "soon").step).toBe(15);
  });

  it("begins with the range where the step is longer", () => {
    expect(stepsOf(range, "1d")).toEqual({ start: 1000, end: 4600, step: 86_400 });
  });

  it.each(["1ms", "0.001s", "200ms"])("asks for no more points than are answered by a step of %s", (text) => {
    const { start, end, step } = stepsOf(range, text);
    expect((end - start) / step).toBeLessThanOrEqual(MOST_POINTS);
    expect(step).toBe(1);
  });
});
