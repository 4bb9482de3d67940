import { describe, expect, it } from "vitest";

import { readTerms, readTraceQuery, writeTerm } from "./query";

describe("readTraceQuery", () => {
  it("reads names and attributes", () => {
    const query = readTraceQuery(
      'service=shop  operation="GET /cart" status=error minDuration=250ms http.route=/x=y',
    );
    expect(query.problems).toEqual([]);
    expect(query.values).toEqual({
      service: "shop",
      operation: "GET /cart",
      status: "error",
      minDuration: "250ms",
    });
    expect(query.attributes).toEqual([["http.route", "/x=y"]]);
  });

  it("may have the same attribute twice, and an empty one", () => {
    expect(readTraceQuery("a=1 a=2 b=").attributes).toEqual([
      ["a", "1"],
      ["a", "2"],
      ["b", ""],
    ]);
  });

  it("is everything where there is nothing", () => {
    expect(readTraceQuery("   ")).toEqual({ values: {}, attributes: [], problems: [] });
  });

  it.each([
    ["service=a shop", "shop", "name=value"],
    ["status=failed", "failed", "one of error, ok, unset"],
    ["kind=web", "web", "one of server"],
    ["service=a minDuration=soon", "soon", "250ms"],
    ['operation="GET /', '"GET /', "no end"],
    ["service=a service=b", "service=b", "twice"],
    ["service=", "service=", "no value"],
    ["=5", "=5", "no name"],
    ["minduration=5s", "minduration", "minDuration"],
    ["minDuration=2s maxDuration=1s", "minDuration=2s maxDuration=1s", "longer"],
  ])("says of %j that %j is wrong: %j", (text, marked, message) => {
    const { problems } = readTraceQuery(text);
    expect(problems).toHaveLength(1);
    expect(text.slice(problems[0]?.from, problems[0]?.to)).toBe(marked);
    expect(problems[0]?.message).toContain(message);
  });

  it.each(["plain", "with blank", 'a "quote"', "back\\slash", "", "tab\tin it", "a=b", "é 😀"])(
    "reads %j as it was written",
    (value) => {
      expect(readTraceQuery(writeTerm("key", value)).attributes).toEqual([["key", value]]);
    },
  );
});

describe("readTerms", () => {
  it("knows where a value begins", () => {
    expect(readTerms("  service=sh")).toMatchObject([{ from: 2, name: "service", valueFrom: 10, to: 12 }]);
  });
});
