import { describe, expect, it } from "vitest";

import type { ValueMapping } from "../api/dashboards";
import { display, fieldLimits, mappingOf } from "./display";
import { column, madeConfig } from "./made";

const maps = (mapping: Record<string, unknown>): ValueMapping =>
  ({ text: "T", color: "red", ...mapping }) as ValueMapping;

describe("mappingOf", () => {
  it.each<[ValueMapping, (number | string | boolean | null)[], (number | string | boolean | null)[]]>([
    [maps({ type: "value", value: "1" }), [1, "1", true], [0, 11, null, "", "x"]],
    [maps({ type: "value", value: "" }), [""], [0, null]],
    [maps({ type: "range", from: 1, to: 5 }), [1, 3, 5], [0.9, 5.1, null, "x"]],
    [maps({ type: "range", from: null, to: 5 }), [-1e9, 5], [6, null]],
    [maps({ type: "regex", pattern: "/^us-.*/" }), ["us-east"], ["eu", null]],
    [maps({ type: "regex", pattern: "us" }), ["us"], ["us-east"]],
    [maps({ type: "regex", pattern: "/(/" }), [], ["("]],
    [maps({ type: "special", match: "null" }), [null], [Number.NaN, 0, ""]],
    [maps({ type: "special", match: "nan" }), [Number.NaN], [null, 0]],
    [maps({ type: "special", match: "null+nan" }), [null, Number.NaN], [0]],
    [maps({ type: "special", match: "true" }), [true, "true"], [false]],
    [maps({ type: "special", match: "empty" }), [""], [null, 0]],
  ])("%j", (mapping, fitting, others) => {
    for (const value of fitting) {
      expect(mappingOf(value, [mapping])?.text, String(value)).toBe("T");
    }
    for (const value of others) {
      expect(mappingOf(value, [mapping]), String(value)).toBeNull();
    }
  });

  it("takes the first that fits, and fills what a pattern found", () => {
    const mappings = [
      maps({ type: "regex", pattern: "/host-(\\d+)/", text: "no. $1" }),
      maps({ type: "regex", pattern: "/.*/" }),
    ];
    expect(mappingOf("host-7", mappings)?.text).toBe("no. 7");
  });
});

describe("display", () => {
  it("writes a value in its unit, a mapped one as its text, none as the file says", () => {
    const config = madeConfig({ unit: "s", mappings: [maps({ type: "value", value: "0", text: "idle" })] });
    expect(display(0.25, config).text).toBe("250 ms");
    expect(display(0, config)).toEqual({ text: "idle", color: "red" });
    expect(display(null, config).text).toBe("–");
    expect(display(null, madeConfig({ no_value: "nothing" })).text).toBe("nothing");
    expect(display("api", config).text).toBe("api");
    expect(display("2", config).text).toBe("2 s");
  });

  it("keeps the value's own text where a mapping only colours it", () => {
    const config = madeConfig({
      unit: "percent",
      mappings: [maps({ type: "range", from: 0, to: 9, text: null })],
    });
    expect(display(5, config)).toEqual({ text: "5 %", color: "red" });
  });

  it("colours by thresholds, percentages between the limits", () => {
    const config = madeConfig({
      color: { mode: "thresholds", fixed: "", series_by: "last" },
      thresholds: {
        mode: "percentage",
        steps: [
          { value: null, color: "green" },
          { value: 50, color: "red" },
        ],
      },
    });
    expect(display(149, config, { low: 100, high: 200 }).color).toBe("green");
    expect(display(150, config, { low: 100, high: 200 }).color).toBe("red");
  });
});

describe("fieldLimits", () => {
  it("is what the file sets, or what the values are", () => {
    const fields = [column("a", [3, null, 9]), column("b", [1])];
    expect(fieldLimits(fields, madeConfig())).toEqual({ low: 1, high: 9 });
    expect(fieldLimits(fields, madeConfig({ min: 0, max: 5 }))).toEqual({ low: 0, high: 5 });
    expect(fieldLimits([], madeConfig())).toEqual({ low: 0, high: 100 });
    expect(fieldLimits([column("a", [3, Infinity])], madeConfig())).toEqual({ low: 3, high: 3 });
  });
});
