import { describe, expect, it } from "vitest";

import type { AlertInstance, AlertState, Rule } from "../api/alerts";
import {
  bySeverity,
  fixedLabels,
  isHeartbeat,
  isLink,
  isTrouble,
  labelsKey,
  ownLabels,
  since,
  summary,
  templated,
  toneOf,
} from "./describe";
import { evidenceOf } from "./evidence";
import { anAlert, aRule } from "./made";

function rule(state: AlertState, alerts: Partial<AlertInstance>[] = [], more: Partial<Rule> = {}): Rule {
  return aRule({ state, alerts: alerts.map((one) => anAlert(one)), ...more });
}

describe("since", () => {
  it("is when the first instance came into the rule's state", () => {
    const firing = rule("firing", [
      { state: "firing", active_ms: 10, fired_ms: 50 },
      { state: "firing", active_ms: 20, fired_ms: 40 },
      { state: "pending", active_ms: 5, fired_ms: null },
    ]);
    expect(since(firing)).toBe(40);
    expect(since(rule("pending", [{ state: "pending", active_ms: 7, fired_ms: null }]))).toBe(7);
    expect(since(rule("inactive"))).toBeNull();
  });
});

describe("summary", () => {
  it("is the active instance's, whose template is filled in, and else the rule's", () => {
    expect(summary(rule("firing", [{ annotations: { summary: "3 failed" } }]))).toBe("3 failed");
    expect(summary(rule("firing", [{ annotations: {} }]))).toBe("… failed");
    expect(summary(rule("inactive"))).toBe("… failed");
  });
});

describe("isTrouble", () => {
  it.each([
    [{ labels: { severity: "none" } }, false],
    [{ labels: { severity: "info" } }, true],
    [{ labels: {} }, true],
    [{ query: "vector(1)" }, false],
  ])("of %j is %j", (more, trouble) => {
    expect(isTrouble(aRule(more))).toBe(trouble);
  });
});

describe("isHeartbeat", () => {
  it.each([
    ["vector(1)", true],
    ["(vector(1) > 0)", true],
    [" vector( 1 ) ", true],
    ["vector(1) * up", false],
    ["absent(up)", false],
    ["up == 0 or vector(1)", false],
  ])("of %j is %j", (query, heartbeat) => {
    expect(isHeartbeat(aRule({ query }))).toBe(heartbeat);
  });
});

describe("toneOf", () => {
  it("is bad only where somebody is told of it", () => {
    const one = rule("firing");
    expect(toneOf(one, "firing")).toBe("bad");
    expect(toneOf(one, "firing", anAlert({ silenced_by: ["a"] }))).toBe("neutral");
    expect(toneOf(one, "firing", anAlert({ inhibited_by: ["a"] }))).toBe("neutral");
    expect(toneOf(one, "pending")).toBe("warn");
  });

  it("is good of a heartbeat that beats, and bad of one that does not", () => {
    const beats = aRule({ query: "vector(1)" });
    expect(toneOf(beats, "firing")).toBe("good");
    expect(toneOf(beats, "inactive")).toBe("bad");
  });
});

describe("bySeverity", () => {
  it("puts the gravest first, and words that nobody knows last", () => {
    expect(["zebra", "info", "critical", "apple", "Warning", "page"].sort(bySeverity)).toEqual([
      "critical",
      "page",
      "Warning",
      "info",
      "apple",
      "zebra",
    ]);
  });
});

describe("labels", () => {
  it("have a key that does not depend on their order", () => {
    expect(labelsKey({ a: "1", b: "2" })).toBe(labelsKey({ b: "2", a: "1" }));
  });

  it("are templates where they are filled in for each instance", () => {
    expect(templated({ severity: "high", service: "{{ $labels.service }}" })).toEqual(["service"]);
  });

  it("say of a quiet rule what is no template, so that nothing is looked for by its text", () => {
    const own = fixedLabels({ severity: "high", service: "{{ $labels.service }}" });
    expect(own).toEqual({ severity: "high" });
    expect(evidenceOf(aRule(), own, null, []).service).toBe("");
  });

  it("are an instance's own where they are not the rule's", () => {
    const made = aRule({ labels: { severity: "high", service: "{{ $labels.service }}" } });
    expect(ownLabels(made, { alertname: "A", severity: "high", service: "shop" })).toEqual({
      service: "shop",
    });
  });
});

describe("isLink", () => {
  it.each([
    ["https://example.com/x", true],
    ["/user/slow.md", true],
    ["//example.com", false],
    ["javascript:alert(1)", false],
    ["see https://example.com", false],
  ])("of %j is %j", (text, link) => {
    expect(isLink(text)).toBe(link);
  });
});
