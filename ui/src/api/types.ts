/** The answers of the observatory's HTTP API. Times are Unix milliseconds unless said otherwise. */

export interface Status {
  version: string;
  time_factor: number;
  started_ms: number;
  ports: Record<string, number | null>;
  storage: Record<string, unknown>;
  receivers: Receiver[];
}

export interface Receiver {
  name: string;
  integrations: Integration[];
}

export interface Integration {
  type: string;
  status: "ready" | "not configured";
  detail?: string | null;
  last_error?: string | null;
  last_attempt_ms?: number | null;
}

export interface DashboardEntry {
  uid: string;
  title: string;
}

export interface Dashboard extends DashboardEntry {
  description: string;
  default_range_ms: number;
  refresh_ms: number | null;
  panels: Panel[];
  unsupported?: string[];
}

export interface Panel {
  id: number;
  title: string;
  description: string;
  type: string;
  grid: { x: number; y: number; w: number; h: number };
  unit: string;
  decimals: number | null;
  min: number | null;
  max: number | null;
  thresholds: Threshold[];
  threshold_style: "off" | "line" | "area" | "line+area";
  legend: boolean;
  stack: boolean;
  line_width: number;
  fill_opacity: number;
  sparkline: boolean;
  mappings: ValueMapping[];
  no_value: string | null;
  calc: string;
  content: string;
  targets: Target[];
  unsupported: string[];
}

export interface Threshold {
  value: number | null;
  color: string;
}

export interface ValueMapping {
  value: string;
  text: string | null;
  color: string | null;
}

export interface Target {
  ref_id: string;
  expr: string;
  query: string | null;
  legend_format: string;
}

export type Labels = Record<string, string>;

/** One series of a Prometheus matrix; times are Unix seconds. */
export interface MatrixSeries {
  metric: Labels;
  values?: [number, string][];
}

export interface ScrapeTarget {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  lastError: string;
  lastScrape: string;
  lastScrapeDuration: number;
  health: "up" | "down" | "unknown";
}

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

export interface TraceSummary {
  trace_id: string;
  root_service: string;
  root_name: string;
  start_ms: number;
  duration_ms: number;
  span_count: number;
  error_count: number;
  services: string[];
}

export interface Trace {
  trace_id: string;
  start_ms: number;
  duration_ms: number;
  services: string[];
  spans: Span[];
}

export type Attributes = Record<string, unknown>;

/** A span of a trace; its times are milliseconds after the trace's start. */
export interface Span {
  span_id: string;
  parent_span_id: string;
  name: string;
  kind: string;
  service: string;
  start_ms: number;
  duration_ms: number;
  status: string;
  status_message: string;
  attributes: Attributes;
  resource: Attributes;
  events: { time_ms: number; name: string; attributes: Attributes }[];
  links: { trace_id: string; span_id: string; attributes?: Attributes }[];
  depth: number;
  orphan: boolean;
}

export interface LogRecord {
  time_ms: number;
  level: string;
  severity_number: number;
  service: string;
  body: string;
  trace_id: string;
  span_id: string;
  correlation_id: string;
  attributes: Attributes;
  resource: Attributes;
}

export interface Service {
  name: string;
  operations: string[];
}
