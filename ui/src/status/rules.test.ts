import { describe, expect, it } from "vitest";

import type { GroupRule, RuleGroup } from "../api/status";
import { evaluatedAt, fileName, groupKey, ruleRows } from "./rules";

const rule = (name: string, evaluationTime: number): GroupRule => ({
  name,
  type: "recording",
  query: "up",
  health: "ok",
  evaluationTime,
  lastEvaluation: "0001-01-01T00:00:00Z",
});

const group = (rules: GroupRule[]): RuleGroup => ({
  name: "g",
  file: "/etc/rules/a.yml",
  interval: 15,
  evaluationTime: 1,
  lastEvaluation: "2026-11-26T12:00:00Z",
  rules,
});

describe("ruleRows", () => {
  it("tells which part of its group's time a rule takes", () => {
    expect(ruleRows([group([rule("a", 3), rule("b", 1)])]).map((row) => [row.rule.name, row.share])).toEqual([
      ["a", 0.75],
      ["b", 0.25],
    ]);
  });

  it("has no parts before the first evaluation", () => {
    expect(ruleRows([group([rule("a", 0)])])[0]?.share).toBe(0);
  });
});

describe("what Prometheus writes", () => {
  it("is read", () => {
    expect(evaluatedAt("0001-01-01T00:00:00Z")).toBeNull();
    expect(evaluatedAt("2026-11-26T12:00:00Z")).toBe(Date.UTC(2026, 10, 26, 12));
    expect(groupKey(group([]))).toBe("/etc/rules/a.yml;g");
    expect(fileName("/etc/rules/a.yml")).toBe("a.yml");
  });
});
