import { describe, expect, it } from "vitest";

import { aRule } from "./made";
import { countOf, placeOf, stateOf } from "./places";

const RULES = [
  aRule({ name: "A", state: "inactive" }),
  aRule({ name: "B", state: "inactive", health: "err" }),
  aRule({ name: "C", state: "firing", health: "err" }),
  aRule({ name: "D", state: "pending" }),
  aRule({ name: "E", state: "firing", query: "vector(1)" }),
];

describe("the groups of the list", () => {
  it("have what cannot be evaluated apart, unless it fires, and what fires by design", () => {
    expect(RULES.map(placeOf)).toEqual(["inactive", "faulty", "firing", "pending", "heartbeat"]);
  });

  it("are counted under the state that shows them", () => {
    for (const state of ["firing", "pending", "inactive"] as const) {
      expect(countOf(RULES, state)).toBe(RULES.filter((one) => stateOf(placeOf(one)) === state).length);
    }
    expect(countOf(RULES, "inactive")).toBe(2);
    expect(countOf(RULES, "firing")).toBe(1);
  });
});
