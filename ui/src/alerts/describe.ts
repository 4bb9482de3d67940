/** What alerting rules say, in words. */

import type { AlertState, Rule } from "../api/alerts";
import type { Labels } from "../api/metrics";

export type Tone = "good" | "warn" | "bad" | "neutral";

export function stateTone(state: AlertState): Tone {
  return state === "firing" ? "bad" : state === "pending" ? "warn" : "good";
}

const ORDER: Record<AlertState, number> = { firing: 0, pending: 1, inactive: 2 };

const rank = (rule: Rule): number => ORDER[rule.state] - (rule.health === "err" ? 0.5 : 0);

/** Returns the rules with what needs attention first, then by name. */
export function inOrder(rules: Rule[]): Rule[] {
  return rules.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** The moment since which the rule has been in its state, where an instance is active. */
export function since(rule: Rule): number | null {
  const times = rule.alerts
    .filter((one) => one.state === rule.state)
    .map((one) => (one.state === "firing" ? (one.fired_ms ?? one.active_ms) : one.active_ms));
  return times.length === 0 ? null : Math.min(...times);
}

/** One line about the rule: of an active instance, whose templates are filled in, or else without values. */
export function summary(rule: Rule): string {
  const active = rule.alerts.find((one) => one.state === rule.state) ?? rule.alerts[0];
  return active?.annotations["summary"] ?? active?.annotations["description"] ?? rule.title;
}

/** Tells whether a rule's firing means trouble: one of severity none, such as Watchdog, fires while all is well. */
export function isTrouble(rule: Rule): boolean {
  return rule.labels["severity"] !== "none";
}

/** A key of an instance: its labels, in a fixed order. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names of the labels whose value is a template, to be filled in for each instance. */
export function templated(labels: Labels): string[] {
  return Object.keys(labels).filter((name) => labels[name]?.includes("{{"));
}
