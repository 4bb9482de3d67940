import { describe, expect, it } from "vitest";

import { formatMs, formatSeconds, formatValue, isKnownUnit } from "./number";

describe("formatValue", () => {
  it.each([
    [0, "short", null, "0"],
    [4.413, "reqps", null, "4.41 req/s"],
    [0.000123, "short", null, "0.000123"],
    [999.6, "short", null, "1k"],
    [1234, "short", null, "1.23k"],
    [1_500_000, "short", null, "1.5M"],
    [-1234, "short", null, "−1.23k"],
    [1234, "none", null, "1234"],
    [0.0512, "percentunit", 1, "5.1 %"],
    [1, "percentunit", null, "100 %"],
    [99.5, "percent", null, "99.5 %"],
    [0.25, "s", null, "250 ms"],
    [90, "s", null, "1.5 min"],
    [0, "s", null, "0 s"],
    [1500, "ms", null, "1.5 s"],
    [1536, "bytes", null, "1.5 KiB"],
    [1500, "decbytes", null, "1.5 kB"],
    [12, "bytes", null, "12 B"],
    [2.5, "ops", 0, "3 ops/s"],
    [3.14159, "short", 2, "3.14"],
    [-0.0001, "short", 1, "0.0"],
  ])("writes %d in %s with %s decimals as %s", (value, unit, decimals, text) => {
    expect(formatValue(value, unit, decimals)).toBe(text);
  });

  it("writes a dash for what is missing or no number, never NaN", () => {
    expect(formatValue(null, "short")).toBe("–");
    expect(formatValue(undefined, "s")).toBe("–");
    expect(formatValue(Number.NaN, "percentunit")).toBe("–");
  });

  it("writes infinities as such", () => {
    expect(formatValue(Infinity, "s")).toBe("∞");
    expect(formatValue(-Infinity, "bytes")).toBe("−∞");
  });

  it("shows an unknown unit as a plain number and says that it is unknown", () => {
    expect(formatValue(1200, "lightyear")).toBe("1.2k");
    expect(isKnownUnit("lightyear")).toBe(false);
    expect(["reqps", "percentunit", "s", "short", "bytes", "none", "ops"].every(isKnownUnit)).toBe(true);
  });
});

describe("formatSeconds", () => {
  it("goes to the next unit where rounding reaches it", () => {
    expect(formatSeconds(0.9996)).toBe("1 s");
    expect(formatSeconds(59.99)).toBe("1 min");
    expect(formatMs(0.0021)).toBe("2.1 µs");
  });
});
