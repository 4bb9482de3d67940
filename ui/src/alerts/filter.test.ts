import { describe, expect, it } from "vitest";

import type { ReceiverRoute } from "../api/alerts";
import { choices, filterRules, readTerms } from "./filter";
import { anAlert, aRule } from "./made";

const route = (receiver: string): ReceiverRoute => ({
  receiver,
  key: "{}",
  group_by: [],
  group_wait_seconds: 0,
  group_interval_seconds: 0,
  repeat_interval_seconds: 0,
  muted_by: [],
});
const ROUTES = { r0: route("default"), r1: route("night") };
const RULES = [
  aRule({
    name: "Slow",
    state: "firing",
    labels: { severity: "warning", service: "{{ $labels.service }}" },
    alerts: [
      anAlert({ labels: { service: "shop", severity: "warning", path: "/a b" }, routes: ["r1"] }),
      anAlert({ labels: { service: "mail", severity: "warning" }, routes: ["r0"] }),
    ],
  }),
  aRule({ name: "Quiet", labels: { severity: "info" }, routes: ["r0"], title: "none of it" }),
];
const NONE = { text: "", severity: "", service: "", receiver: "" };

function names(filter: Partial<typeof NONE>): string[] {
  return filterRules(RULES, { ...NONE, ...filter }, ROUTES).map(
    ({ rule, alerts }) => `${rule.name} ${String(alerts.length)}`,
  );
}

describe("filterRules", () => {
  it.each([
    [{}, ["Slow 2", "Quiet 0"]],
    [{ text: "slow" }, ["Slow 2"]],
    [{ text: "SHOP" }, ["Slow 1"]],
    [{ text: "service=shop" }, ["Slow 1"]],
    [{ text: "service!=shop" }, ["Slow 1", "Quiet 0"]],
    [{ text: 'path="/a b"' }, ["Slow 1"]],
    [{ text: "slow service=none" }, []],
    [{ severity: "info" }, ["Quiet 0"]],
    [{ service: "mail" }, ["Slow 1"]],
    [{ receiver: "default" }, ["Slow 1", "Quiet 0"]],
  ])("by %j shows %j", (filter, shown) => {
    expect(names(filter)).toEqual(shown);
  });
});

describe("readTerms", () => {
  it("parts words, phrases and labels", () => {
    expect(readTerms('one "two three" a=b c!="d e"')).toEqual({
      words: ["one", "two three"],
      labels: [
        { name: "a", value: "b", equal: true },
        { name: "c", value: "d e", equal: false },
      ],
    });
  });
});

describe("choices", () => {
  it("are the values that there are, without templates", () => {
    expect(choices(RULES, ROUTES)).toEqual({
      severities: ["warning", "info"],
      services: ["mail", "shop"],
      receivers: ["default", "night"],
    });
  });
});
