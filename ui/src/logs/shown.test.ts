import { describe, expect, it } from "vitest";

import { readColumns, toggledColumn } from "./shown";

describe("the columns of a list", () => {
  it.each([
    [null, ["service"]],
    ["-", []],
    ["service,bank", ["service", "bank"]],
    ["a,,a,b,", ["a", "b"]],
    ["odd\\,name,b", ["odd,name", "b"]],
    ["trailing\\", ["trailing"]],
  ])("are read from %j", (text, want) => {
    expect(readColumns(text)).toEqual(want);
  });

  it("are shown and hidden", () => {
    expect(toggledColumn(["service"], "a,b\\c")).toBe("service,a\\,b\\\\c");
    expect(readColumns("service,a\\,b\\\\c")).toEqual(["service", "a,b\\c"]);
    expect(toggledColumn(["service", "a"], "a")).toBe("service");
    expect(toggledColumn(["service"], "service")).toBe("-");
  });

  it("are not more than a list has place for", () => {
    expect(readColumns(Array.from({ length: 500 }, (_, i) => `c${String(i)}`).join(","))).toHaveLength(20);
  });
});
