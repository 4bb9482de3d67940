import { describe, expect, it } from "vitest";

import { madeConfig } from "./made";
import { unreadPatterns } from "./pattern";

describe("unreadPatterns", () => {
  it("names what no browser reads: of overrides, mappings and transformations", () => {
    const matcher = { names: [], exclude: false, reducer: "", op: "", value: 0 };
    const regex = { type: "regex" as const, text: "", color: null };
    const found = unreadPatterns({
      field: madeConfig({
        mappings: [
          { ...regex, pattern: "/(?i)a/" },
          { ...regex, pattern: "fine.*" },
        ],
      }),
      overrides: [
        { matcher: { ...matcher, id: "byRegexp", options: "/b[/" }, set: {} },
        { matcher: { ...matcher, id: "byName", options: "no (pattern" }, set: {} },
        {
          matcher: { ...matcher, id: "byRegexp", options: "/b[/" },
          set: { mappings: [{ ...regex, pattern: "(c" }] },
        },
      ],
      transformations: [
        { id: "renameByRegex", options: { regex: "d)", renamePattern: "$1" } },
        { id: "filterFieldsByName", options: { include: { pattern: "/e(/" }, exclude: { names: ["x"] } } },
        { id: "reduce", options: { include: ["f("] } },
      ],
    });
    expect(found).toEqual(["/b[/", "/(?i)a/", "(c", "/d)/", "/e(/"]);
  });
});
