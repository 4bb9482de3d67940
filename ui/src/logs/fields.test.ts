import { describe, expect, it } from "vitest";

import type { LogRecord } from "../api/logs";
import { fieldsOf, fieldText, prettyJson } from "./fields";
import { toneOf } from "./levels";

const LINE: LogRecord = {
  id: "1-1",
  time_ms: 0,
  level: "WARNING",
  severity_number: 13,
  service: "shop",
  body: "b",
  trace_id: "",
  span_id: "",
  correlation_id: "c",
  attributes: { zero: 0, list: [1, "a"], both: "line", nothing: null },
  resource: { "host.name": "h", both: "resource" },
  scope: "",
};

describe("the fields of a line", () => {
  it("are its own, then attributes, then what the resource has besides", () => {
    expect(fieldsOf(LINE).map((one) => `${one.group} ${one.name}`)).toEqual([
      "line level",
      "line severity_number",
      "line service",
      "line correlation_id",
      "attributes both",
      "attributes list",
      "attributes zero",
      "resource host.name",
    ]);
  });

  it("are texts in columns", () => {
    const names = ["both", "host.name", "list", "zero", "trace_id", "nothing", "nowhere", "body"];
    expect(names.map((name) => fieldText(LINE, name))).toEqual([
      "line",
      "h",
      '[1,"a"]',
      "0",
      "",
      "",
      "",
      "b",
    ]);
  });
});

describe("a body that is JSON", () => {
  it("is indented, and another is not", () => {
    expect(prettyJson(' {"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(prettyJson('[{"a":"x,{\\"","b":{}},[], 1.50 ,{"id":1234567890123456789}]')).toBe(
      '[\n  {\n    "a": "x,{\\"",\n    "b": {}\n  },\n  [],\n  1.50,\n  {\n    "id": 1234567890123456789\n  }\n]',
    );
    expect(prettyJson("{not json}")).toBeNull();
    expect(prettyJson("[".repeat(50_000) + "]".repeat(50_000))).toBeNull();
    expect(prettyJson("5")).toBeNull();
  });
});

describe("the level of a line", () => {
  it("is that of its number, or of its text where it has none", () => {
    expect(toneOf(LINE)).toBe("warn");
    expect(toneOf({ level: "critical", severity_number: 0 })).toBe("fatal");
    expect(toneOf({ level: "odd", severity_number: 0 })).toBe("none");
    expect(toneOf({ level: "INFO", severity_number: 24 })).toBe("fatal");
  });
});
