/** The matchers of silences, as they are typed, written and derived from alerts. */

import type { SilenceMatcher } from "../api/alerts";
import type { Labels } from "../api/metrics";

export const OPERATORS = ["=", "!=", "=~", "!~"] as const;
export type Operator = (typeof OPERATORS)[number];

export interface MatcherDraft {
  name: string;
  operator: Operator;
  value: string;
}

export function operatorOf(matcher: SilenceMatcher): Operator {
  return matcher.isEqual ? (matcher.isRegex ? "=~" : "=") : matcher.isRegex ? "!~" : "!=";
}

export function draftOf(matcher: SilenceMatcher): MatcherDraft {
  return { name: matcher.name, operator: operatorOf(matcher), value: matcher.value };
}

export function matcherOf(draft: MatcherDraft): SilenceMatcher {
  return {
    name: draft.name,
    value: draft.value,
    isRegex: draft.operator.endsWith("~"),
    isEqual: draft.operator.startsWith("="),
  };
}

/** Writes a matcher as Alertmanager reads it: `name="value"`, the name in quotes where it is not a plain one. */
export function writeMatcher(draft: MatcherDraft): string {
  const plain = /^[a-zA-Z_:][\w:]*$/.test(draft.name);
  const quoted = (text: string): string =>
    `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  return `${plain ? draft.name : quoted(draft.name)}${draft.operator}${quoted(draft.value)}`;
}

/** Escapes what has a meaning in a regular expression of RE2. */
export function escapePattern(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

/**
 * Returns the matchers that accept all of some alerts: what they have in common, and one of the values otherwise.
 *
 * A label that one of them lacks is left out, since matchers on it would not accept that one.
 */
export function matchersFor(alerts: Labels[]): MatcherDraft[] {
  const [first, ...rest] = alerts;
  if (first === undefined) {
    return [];
  }
  return Object.keys(first)
    .filter((name) => rest.every((labels) => labels[name] !== undefined))
    .sort((a, b) => Number(b === "alertname") - Number(a === "alertname") || (a < b ? -1 : 1))
    .map((name) => {
      const values = [...new Set(alerts.map((labels) => labels[name] ?? ""))].sort();
      return values.length === 1
        ? { name, operator: "=", value: values[0] ?? "" }
        : { name, operator: "=~", value: values.map(escapePattern).join("|") };
    });
}

/** Says what is wrong with a draft before it is sent, "" where nothing is; patterns are checked by the server. */
export function problemOf(drafts: MatcherDraft[]): string {
  if (drafts.length === 0) {
    return "A silence needs a matcher; without one it would keep every alert quiet.";
  }
  if (drafts.some((draft) => draft.name.trim() === "")) {
    return "A matcher has no label; name one or drop the matcher.";
  }
  if (drafts.every((draft) => draft.operator === "=" && draft.value === "")) {
    return "A matcher with a value is needed; as they are, they accept what lacks these labels.";
  }
  return "";
}
