import { describe, expect, it } from "vitest";

import { withClick } from "./hidden";

const NAMES = ["a", "b", "c"];

describe("withClick", () => {
  it.each([
    ["", "b", false, "ac", "shows one alone"],
    ["ac", "b", false, "", "shows all again"],
    ["ac", "a", false, "bc", "goes from one to another"],
    ["", "b", true, "b", "hides one"],
    ["bc", "b", true, "c", "shows one beside the others"],
  ])("from %j a click on %s (with a key: %s) hides %j: %s", (before, name, beside, after) => {
    expect([...withClick(NAMES, new Set(before), name, beside)].sort().join("")).toBe(after);
  });
});
