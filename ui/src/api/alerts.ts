/** The alerting rules, their alerts, silences and playbooks. Times are Unix milliseconds unless said otherwise. */

import { OWN, get, post, remove } from "./http";
import type { Labels } from "./metrics";

export type AlertState = "inactive" | "pending" | "firing";

export interface Rule {
  name: string;
  group: string;
  file: string;
  interval_seconds: number;
  state: AlertState;
  health: "ok" | "err" | "unknown";
  last_error: string | null;
  last_evaluation_ms: number | null;
  evaluation_seconds: number;
  expr: string;
  query: string;
  graph_query: string;
  threshold: number | null;
  /** What the graph is compared with where that is no number. */
  threshold_query: string | null;
  comparison: string | null;
  /** What the condition is about where it watches a histogram, also one that recording rules stand before. */
  histogram: WatchedHistogram | null;
  for_seconds: number;
  effective_for_seconds: number;
  keep_firing_for_seconds: number;
  labels: Labels;
  annotations: Labels;
  /** What the rule is about, without the values that only an alert of it has. */
  title: string;
  playbook: string | null;
  /** Ids of the routes that its own labels take. */
  routes: string[];
  alerts: AlertInstance[];
}

export interface WatchedHistogram {
  /** Its name, without `_bucket`. */
  metric: string;
  /** Selects the series whose exemplars are its observations. */
  query: string;
  /** Up to which observations are counted; null where the graph has their own unit. */
  bound: number | null;
}

/** What becomes of an alert after it was raised. */
export interface Sent {
  fingerprint: string;
  /** Ids of silences. */
  silenced_by: string[];
  /** Fingerprints of alerts. */
  inhibited_by: string[];
  /** Ids of the routes that it takes. */
  routes: string[];
}

export interface AlertInstance extends Sent {
  labels: Labels;
  annotations: Labels;
  state: AlertState;
  active_ms: number;
  fired_ms: number | null;
  /** Since when only `keep_firing_for` lets it fire. */
  keep_firing_ms: number | null;
  value: number | null;
}

/** An alert that no rule of this observatory has raised. */
export interface OtherAlert extends Sent {
  labels: Labels;
  annotations: Labels;
  starts_ms: number;
  /** The address of what raised it, "" where it gave none. */
  source: string;
}

export interface ReceiverRoute {
  receiver: string;
  /** The matchers on the way to it, as Alertmanager writes them. */
  key: string;
  /** Null where all labels are grouped by. */
  group_by: string[] | null;
  group_wait_seconds: number;
  group_interval_seconds: number;
  repeat_interval_seconds: number;
  /** The time intervals that keep it quiet now. */
  muted_by: string[];
}

/** A silence as the alerts name it. */
export interface NamedSilence {
  id: string;
  state: SilenceState;
  matchers: string[];
  starts_ms: number;
  ends_ms: number;
  created_by: string;
  comment: string;
}

export interface Alerting {
  rules: Rule[];
  others: OtherAlert[];
  others_left_out: number;
  /** Those that keep an alert quiet now. */
  silences: NamedSilence[];
  /** The labels of alerts that inhibit others, by their fingerprints. */
  inhibitors: Record<string, Labels>;
  receiver_routes: Record<string, ReceiverRoute>;
}

export interface Transition {
  rule: string;
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
  /** The names of its alerts. */
  names: string[];
  /** The labels of some of its alerts. */
  alerts: Labels[];
  alert_count: number;
}

export interface SilenceChange {
  at_ms: number;
  silence: string;
  action: "created" | "changed" | "expired";
  /** Whose silence it is then: who ended it, only the address tells. */
  created_by: string;
  /** The address that asked for it. */
  client: string;
  matchers: string[];
  comment: string;
}

export interface History {
  transitions: Transition[];
  notifications: Notification[];
  silence_changes: SilenceChange[];
  truncated: boolean;
}

export interface PlaybookBlock {
  lang: "promql" | "logs" | "traces";
  /** As written. */
  text: string;
  /** As it is to be queried, with placeholders for labels. */
  query: string;
  problem: string;
}

export interface PlaybookTitle {
  name: string;
  title: string;
}

export interface Playbook extends PlaybookTitle {
  /** Rendered and cleaned on the server; its blocks are in it, in their order. */
  html: string;
  blocks: PlaybookBlock[];
}

export function getAlerting(signal: AbortSignal): Promise<Alerting> {
  return get(`${OWN}/alerts`, {}, signal);
}

export function getHistory(
  params: { name?: string; start_ms?: number; end_ms?: number; limit?: number },
  signal: AbortSignal,
): Promise<History> {
  return get(`${OWN}/alerts/history`, params, signal);
}

/** Returns what became of a silence, from its creation on. */
export async function getSilenceChanges(id: string, signal: AbortSignal): Promise<SilenceChange[]> {
  const found = await get<History>(`${OWN}/alerts/history`, { silence: id, limit: 1000 }, signal);
  return found.silence_changes;
}

export async function getPlaybooks(signal: AbortSignal): Promise<PlaybookTitle[]> {
  return (await get<{ playbooks: PlaybookTitle[] }>(`${OWN}/playbooks`, {}, signal)).playbooks;
}

export function getPlaybook(name: string, signal: AbortSignal): Promise<Playbook> {
  return get(`${OWN}/playbooks/${encodeURIComponent(name)}`, {}, signal);
}

/** What a silence would keep quiet. */
export interface Matching {
  /** How many alerts fire, and how many are pending. */
  firing: number;
  pending: number;
  /** The first of them, under the labels that they are sent with. */
  alerts: { labels: Labels; fingerprint: string; state: AlertState; silenced_by: string[] }[];
  rule_count: number;
  /** The first of the rules whose alerts match; `depends_on` are labels that only an alert has. */
  rules: { name: string; group: string; depends_on: string[] }[];
}

/** Returns what all of some matchers accept, each written as `name="value"`. */
export function getMatching(matchers: string[], signal: AbortSignal): Promise<Matching> {
  return get(`${OWN}/alerts/matching`, { filter: matchers }, signal);
}

// What follows is Alertmanager's API, in which times are RFC 3339.

export type SilenceState = "active" | "pending" | "expired";

export interface SilenceMatcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export interface WantedSilence {
  /** Of the silence that is changed. */
  id?: string;
  matchers: SilenceMatcher[];
  startsAt: string;
  endsAt: string;
  createdBy: string;
  comment: string;
}

export interface Silence extends Required<WantedSilence> {
  status: { state: SilenceState };
  updatedAt: string;
}

export function getSilence(id: string, signal: AbortSignal): Promise<Silence> {
  return get(`/api/v2/silence/${encodeURIComponent(id)}`, {}, signal);
}

export function getSilences(signal: AbortSignal): Promise<Silence[]> {
  return get("/api/v2/silences", {}, signal);
}

export async function setSilence(silence: WantedSilence, signal: AbortSignal): Promise<string> {
  return (await post<{ silenceID: string }>("/api/v2/silences", silence, signal)).silenceID;
}

export function expireSilence(id: string, signal: AbortSignal): Promise<undefined> {
  return remove(`/api/v2/silence/${encodeURIComponent(id)}`, signal);
}
