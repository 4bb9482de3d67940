import { describe, expect, it } from "vitest";

import { parseDuration } from "./duration";
import { legendName, seriesName } from "./legend";
import { ago, dateTime, preciseTime, span } from "./time";

describe("parseDuration", () => {
  it.each([
    ["250ms", 250],
    ["1.5s", 1500],
    [" 2 m ", 120_000],
    ["40", 40],
    [".5s", 500],
    ["10µs", 0.01],
    ["", null],
    ["fast", null],
    ["-5s", null],
    ["5 parsecs", null],
  ])("reads %j as %s ms", (text, ms) => {
    const read = parseDuration(text);
    if (ms === null) {
      expect(read).toBeNull();
    } else {
      expect(read).toBeCloseTo(ms, 9);
    }
  });
});

describe("legendName", () => {
  const metric = { __name__: "up", job: "a", instance: "b:1" };

  it("fills in labels", () => {
    expect(legendName("{{job}} · {{ instance }}", metric, "q")).toBe("a · b:1");
  });

  it("leaves out a label that the series has not", () => {
    expect(legendName("{{job}}{{missing}}", metric, "q")).toBe("a");
  });

  it("falls back to the series where nothing is left", () => {
    expect(legendName("{{missing}}", metric, "q")).toBe('up{instance="b:1", job="a"}');
  });

  it("names a series without labels after its query", () => {
    expect(legendName("__auto", {}, "sum(up)")).toBe("sum(up)");
    expect(legendName("", metric, "q")).toBe('up{instance="b:1", job="a"}');
  });

  it("does not fill in what a label's value looks like", () => {
    expect(legendName("{{job}}", { job: "{{instance}}", instance: "x" }, "q")).toBe("{{instance}}");
  });

  it("escapes values", () => {
    expect(seriesName({ path: 'a"b' })).toBe('{path="a\\"b"}');
    expect(seriesName({ __name__: "up" })).toBe("up");
  });
});

describe("times", () => {
  it("writes lengths in at most two units", () => {
    expect(span(0)).toBe("0 s");
    expect(span(59.6)).toBe("1 min");
    expect(span(3 * 3600 + 125)).toBe("3 h 2 min");
  });

  it("writes ages", () => {
    expect(ago(1000, 2500)).toBe("just now");
    expect(ago(1000, 61_000)).toBe("1 min ago");
  });

  it("writes moments with zeros in front", () => {
    const ms = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
    expect(dateTime(ms)).toBe("2026-01-02 03:04:05");
    expect(preciseTime(ms)).toBe("03:04:05.006");
  });
});
