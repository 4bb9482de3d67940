import { describe, expect, it } from "vitest";

import type { AlertInstance, AlertState, Rule } from "../api/alerts";
import { inOrder, isTrouble, labelsKey, since, summary, templated } from "./describe";

function rule(
  name: string,
  state: AlertState,
  alerts: Partial<AlertInstance>[] = [],
  health: Rule["health"] = "ok",
): Rule {
  return {
    name,
    state,
    health,
    group: "g",
    last_error: null,
    expr: "",
    query: "",
    graph_query: null,
    threshold: null,
    comparison: null,
    for_seconds: 0,
    effective_for_seconds: 0,
    labels: {},
    annotations: { summary: "{{ $value }} failed" },
    title: "… failed",
    playbook: null,
    alerts: alerts as AlertInstance[],
    transitions: [],
    notifications: [],
  };
}

describe("inOrder", () => {
  it("puts what needs attention first", () => {
    const rules = [
      rule("d", "inactive"),
      rule("c", "inactive", [], "err"),
      rule("b", "pending"),
      rule("a", "firing"),
      rule("aa", "inactive"),
    ];
    expect(inOrder(rules).map((one) => one.name)).toEqual(["a", "b", "c", "aa", "d"]);
  });
});

describe("since", () => {
  it("is when the first instance came into the rule's state", () => {
    const firing = rule("a", "firing", [
      { state: "firing", active_ms: 10, fired_ms: 50 },
      { state: "firing", active_ms: 20, fired_ms: 40 },
      { state: "pending", active_ms: 5, fired_ms: null },
    ]);
    expect(since(firing)).toBe(40);
    expect(since(rule("b", "pending", [{ state: "pending", active_ms: 7, fired_ms: null }]))).toBe(7);
    expect(since(rule("c", "inactive"))).toBeNull();
  });
});

describe("summary", () => {
  it("is the active instance's, whose template is filled in", () => {
    expect(summary(rule("a", "firing", [{ state: "firing", annotations: { summary: "3 failed" } }]))).toBe(
      "3 failed",
    );
    expect(summary(rule("a", "inactive"))).toBe("… failed");
  });
});

describe("isTrouble", () => {
  it("is not what always fires", () => {
    expect(isTrouble({ ...rule("a", "firing"), labels: { severity: "none" } })).toBe(false);
    expect(isTrouble({ ...rule("a", "firing"), labels: { severity: "info" } })).toBe(true);
    expect(isTrouble(rule("a", "firing"))).toBe(true);
  });
});

describe("labelsKey", () => {
  it("does not depend on the order", () => {
    expect(labelsKey({ a: "1", b: "2" })).toBe(labelsKey({ b: "2", a: "1" }));
  });
});

describe("templated", () => {
  it("names the labels that are filled in for each instance", () => {
    expect(templated({ severity: "high", service: "{{ $labels.service }}" })).toEqual(["service"]);
  });
});
