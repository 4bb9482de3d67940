/** Which alerts are shown: the words and labels that the reader typed, and what is chosen beside them. */

import type { ReceiverRoute, Rule } from "../api/alerts";
import type { Labels } from "../api/metrics";
import { alertSummary, bySeverity } from "./describe";

export interface AlertFilter {
  text: string;
  severity: string;
  service: string;
  receiver: string;
}

/** A rule with those of its instances that are shown; the key tells it from all others. */
export interface Shown {
  key: string;
  rule: Rule;
  alerts: Rule["alerts"];
}

interface Terms {
  words: string[];
  labels: { name: string; value: string; equal: boolean }[];
}

/** Reads `word`, `"two words"`, `label=value`, `label!=value`; all must hold. */
export function readTerms(text: string): Terms {
  const terms: Terms = { words: [], labels: [] };
  for (const [, name, sign, quoted, bare, phrase, word] of text.matchAll(
    /([^\s="!]+)(!?=)(?:"([^"]*)"|(\S*))|"([^"]*)"|(\S+)/g,
  )) {
    if (name !== undefined) {
      terms.labels.push({ name, value: quoted ?? bare ?? "", equal: sign === "=" });
    } else {
      terms.words.push((phrase ?? word ?? "").toLowerCase());
    }
  }
  return terms;
}

export function isFiltered(filter: AlertFilter): boolean {
  return Object.values(filter).some((one: string) => one !== "");
}

/**
 * Returns the rules of which something is shown, with the instances that are.
 *
 * A rule without active instances is judged by its own labels; one with instances by these, of which each must hold.
 */
export function filterRules(
  rules: Rule[],
  filter: AlertFilter,
  routes: Record<string, ReceiverRoute>,
): Shown[] {
  const terms = readTerms(filter.text);
  const matches = (rule: Rule, labels: Labels, annotations: Labels, ids: string[]): boolean =>
    (filter.severity === "" || labels["severity"] === filter.severity) &&
    (filter.service === "" || labels["service"] === filter.service) &&
    (filter.receiver === "" || ids.some((id) => routes[id]?.receiver === filter.receiver)) &&
    terms.labels.every(({ name, value, equal }) => ((labels[name] ?? "") === value) === equal) &&
    terms.words.every((word) => contains(rule, labels, annotations, word));
  const seen = new Map<string, number>();
  return rules.flatMap((rule): Shown[] => {
    // A file may have the same rule twice.
    const name = `${rule.file} ${rule.group} ${rule.name}`;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    const key = `${name} ${String(times)}`;
    if (rule.alerts.length === 0) {
      const labels = { alertname: rule.name, ...rule.labels };
      return matches(rule, labels, rule.annotations, rule.routes) ? [{ key, rule, alerts: [] }] : [];
    }
    const found = rule.alerts.filter((one) => matches(rule, one.labels, one.annotations, one.routes));
    return found.length === 0 ? [] : [{ key, rule, alerts: found }];
  });
}

function contains(rule: Rule, labels: Labels, annotations: Labels, word: string): boolean {
  return [rule.name, rule.group, alertSummary(annotations), ...Object.values(labels)].some((text) =>
    text.toLowerCase().includes(word),
  );
}

/** The values that there are to choose from. */
export function choices(
  rules: Rule[],
  routes: Record<string, ReceiverRoute>,
): { severities: string[]; services: string[]; receivers: string[] } {
  const values = (name: string): Set<string> =>
    new Set(
      rules
        .flatMap((rule) => [rule.labels[name], ...rule.alerts.map((one) => one.labels[name])])
        .filter((value): value is string => value !== undefined && value !== "" && !value.includes("{{")),
    );
  return {
    severities: [...values("severity")].sort(bySeverity),
    services: [...values("service")].sort(),
    receivers: [...new Set(Object.values(routes).map((route) => route.receiver))].sort(),
  };
}
