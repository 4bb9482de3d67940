import { describe, expect, it } from "vitest";

import { serviceColors } from "./colors";

const NAMES = ["gateway", "orders", "catalog", "payments", "stock", "codegen", "ollama", "mail", "search"];

describe("serviceColors", () => {
  it("tells eight services apart", () => {
    const colors = serviceColors(NAMES.slice(0, 8));
    expect(new Set(colors.values()).size).toBe(8);
  });

  it("gives every one of more services a colour", () => {
    const colors = serviceColors(NAMES);
    expect(colors.size).toBe(9);
    expect([...colors.values()].every((one) => /^--series-[0-7]$/.test(one))).toBe(true);
  });

  it("keeps a service's colour wherever it is alone", () => {
    const alone = NAMES.map((name) => serviceColors([name]).get(name));
    expect(NAMES.map((name) => serviceColors([name, name]).get(name))).toEqual(alone);
    expect(new Set(alone).size).toBeGreaterThan(3);
  });

  it("does not depend on the order of the services", () => {
    expect(serviceColors(NAMES.toReversed())).toEqual(serviceColors(NAMES));
  });
});
