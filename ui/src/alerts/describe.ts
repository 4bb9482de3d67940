/** What alerting rules and their alerts say, in words. */

import type { AlertInstance, AlertState, Rule, Sent } from "../api/alerts";
import type { Labels } from "../api/metrics";
import { safeLink } from "../links/safe";

export type Tone = "good" | "warn" | "bad" | "neutral";

export function stateTone(state: AlertState): Tone {
  return state === "firing" ? "bad" : state === "pending" ? "warn" : "good";
}

/** Tells whether a rule fires by design, whatever happens, such as Watchdog: that it does is well, its absence is not. */
export function isHeartbeat(rule: Rule): boolean {
  return /^[(\s]*vector\(\s*[\d.]+\s*\)(\s*[<>!=]=?\s*[\d.]+)?[)\s]*$/.test(rule.query);
}

/** Tells whether a rule's firing means trouble: what fires by design does not, nor what has the severity none. */
export function isTrouble(rule: Rule): boolean {
  return rule.labels["severity"] !== "none" && !isHeartbeat(rule);
}

/** Tells whether nothing keeps an alert quiet. */
export function isHeard(alert: Sent): boolean {
  return alert.silenced_by.length === 0 && alert.inhibited_by.length === 0;
}

/** The tone of a rule or an alert in a state: quiet is what nobody is told of. */
export function toneOf(rule: Rule, state: AlertState, alert?: AlertInstance): Tone {
  if (isHeartbeat(rule)) {
    return state === "firing" ? "good" : "bad";
  }
  if (state === "firing" && (!isTrouble(rule) || (alert !== undefined && !isHeard(alert)))) {
    return "neutral";
  }
  return stateTone(state);
}

/** What a badge says of a rule in a state. */
export function stateText(rule: Rule, state: AlertState): string {
  if (!isHeartbeat(rule)) {
    return state === "inactive" ? "quiet" : state;
  }
  return state === "firing" ? "heartbeat" : "no heartbeat";
}

const GRAVITY = [
  "critical",
  "page",
  "high",
  "error",
  "major",
  "warning",
  "warn",
  "minor",
  "info",
  "low",
  "none",
];

/** The order of severities, by the words that are in use; others come after them, by name. */
export function bySeverity(a: string, b: string): number {
  const place = (text: string): number => {
    const found = GRAVITY.indexOf(text.toLowerCase());
    return found < 0 ? GRAVITY.length : found;
  };
  return place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** The tone of a severity. */
export function severityTone(severity: string): Tone {
  const found = GRAVITY.indexOf(severity.toLowerCase());
  return found < 0 ? "neutral" : found < 5 ? "bad" : found < 8 ? "warn" : "neutral";
}

/** The moment since which an alert has been in its state. */
export function alertSince(alert: AlertInstance): number {
  return alert.state === "firing" ? (alert.fired_ms ?? alert.active_ms) : alert.active_ms;
}

/** The moment since which a rule has been in its state, where an instance is active. */
export function since(rule: Rule): number | null {
  const times = rule.alerts.filter((one) => one.state === rule.state).map(alertSince);
  return times.length === 0 ? null : Math.min(...times);
}

/** One line about an alert, "" where its rule has written none. */
export function alertSummary(annotations: Labels): string {
  return (
    annotations["summary"] ??
    annotations["title"] ??
    annotations["description"] ??
    annotations["message"] ??
    ""
  );
}

/** One line about the rule: of an active instance, whose templates are filled in, or else without values. */
export function summary(rule: Rule): string {
  const active = rule.alerts.find((one) => one.state === rule.state) ?? rule.alerts[0];
  const told = active === undefined ? "" : alertSummary(active.annotations);
  return told === "" ? rule.title : told;
}

/** A key of an instance: its labels, in a fixed order. */
export function labelsKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names of the labels whose value is a template, to be filled in for each instance. */
export function templated(labels: Labels): string[] {
  return Object.keys(labels).filter((name) => labels[name]?.includes("{{"));
}

/** What a rule's labels say while no instance fills in those that are templates. */
export function fixedLabels(labels: Labels): Labels {
  const own = templated(labels);
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !own.includes(name)));
}

/** The labels that tell an instance from the others of its rule, as text; those of the rule itself say nothing. */
export function ownLabels(rule: Rule, labels: Labels): Labels {
  const same = (name: string): boolean =>
    name === "alertname" || (rule.labels[name] !== undefined && rule.labels[name] === labels[name]);
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !same(name)));
}

/** Writes labels in one line. */
export function labelLine(labels: Labels): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join("  ");
}

/** The address of an alert's page; `fingerprint` chooses one of its instances. */
export function alertHref(name: string, fingerprint?: string): string {
  const path = `/alerts/${encodeURIComponent(name)}`;
  return fingerprint === undefined ? path : `${path}?instance=${fingerprint}`;
}

/** Tells whether a link of an annotation may be followed: to the web, or to this observatory. */
export function isLink(text: string): boolean {
  return safeLink(text) !== null;
}
