/** The alerting rules, their alerts and playbooks. Times are Unix milliseconds unless said otherwise. */

import { OWN, get } from "./http";
import type { Labels } from "./metrics";

export type AlertState = "inactive" | "pending" | "firing";

export interface Rule {
  name: string;
  group: string;
  state: AlertState;
  health: "ok" | "err" | "unknown";
  last_error: string | null;
  expr: string;
  query: string;
  graph_query: string | null;
  threshold: number | null;
  comparison: string | null;
  for_seconds: number;
  effective_for_seconds: number;
  labels: Labels;
  annotations: Labels;
  /** What the rule is about, without the values that only an alert of it has. */
  title: string;
  playbook: string | null;
  alerts: AlertInstance[];
  transitions: Transition[];
  notifications: Notification[];
}

export interface AlertInstance {
  labels: Labels;
  annotations: Labels;
  state: AlertState;
  active_ms: number;
  fired_ms: number | null;
  value: number | null;
  /** Ids of silences, and fingerprints of alerts, that keep it quiet. */
  silenced_by: string[];
  inhibited_by: string[];
}

export interface Transition {
  at_ms: number;
  labels: Labels;
  state: AlertState;
  value: number | null;
}

export interface Notification {
  at_ms: number;
  receiver: string;
  integration: string;
  status: "firing" | "resolved";
  outcome: "sent" | "failed" | "not configured";
  error: string | null;
  attempts: number;
  group_labels: Labels;
}

export interface Playbook {
  name: string;
  title: string;
  /** Rendered and cleaned on the server. */
  html: string;
}

export async function getRules(signal: AbortSignal): Promise<Rule[]> {
  return (await get<{ rules: Rule[] }>(`${OWN}/alerts`, {}, signal)).rules;
}

export function getPlaybook(name: string, signal: AbortSignal): Promise<Playbook> {
  return get(`${OWN}/playbooks/${encodeURIComponent(name)}`, {}, signal);
}
