/** The state of the observatory. Times are Unix milliseconds unless said otherwise. */

import { connection } from "../state/connection.svelte";
import { ApiError, OWN, get } from "./http";
import type { Labels, ScrapeTarget } from "./metrics";

export interface Status {
  version: string;
  revision: string;
  time_factor: number;
  started_ms: number;
  ports: Record<string, number | null>;
  storage: Record<string, unknown>;
  /** What takes telemetry in. */
  inputs: Account[];
  /** What was refused at the port of the page and the APIs. */
  page: Account;
  queries: { waiting: number; refused: Record<string, number> };
  /** Those who are told of alerts. */
  receivers: Receiver[];
}

/** What each receiver is called by people. */
export const RECEIVERS: Readonly<Record<string, string>> = {
  otlp_http: "OTLP over HTTP",
  otlp_grpc: "OTLP over gRPC",
  zipkin: "Zipkin",
  jaeger: "Jaeger",
  logstash_tcp: "Logstash over TCP",
  logstash_http: "Logstash over HTTP",
  beats: "Beats",
};

/** What a port took, by signal, and refused, by reason, since the start. */
export interface Account {
  name: string;
  title: string;
  /** "" where it does not listen. */
  address: string;
  accepted: Record<string, number>;
  refused: Record<string, number>;
  /** The last of each reason. */
  last_refusals: { at_ms: number; reason: string; message: string; offender: string }[];
}

export interface Receiver {
  name: string;
  integrations: Integration[];
}

export interface Integration {
  type: string;
  status: "ready" | "not configured";
  detail?: string | null;
  notifications?: number;
  failed?: number;
  last_error?: string | null;
  last_attempt_ms?: number | null;
}

export interface Limit {
  name: string;
  group: "storage" | "inputs" | "queries" | "alerting";
  unit: string;
  used: number | null;
  most: number | null;
  /** Those that decide it. */
  settings: string[];
  /** The counter of `count`, "" where nothing counts. */
  metric: string;
  labels: Labels;
  count: number;
  last_at_ms: number | null;
  last_message: string;
  last_offender: string;
  offenders: Record<string, number>;
}

export interface Holding {
  signal: string;
  items: number;
  unsealed: number;
  segments: number;
  bytes: number;
  oldest_ms: number | null;
  newest_ms: number | null;
}

/** What the data folder holds; a limit of 0 is none. */
export interface Held {
  folder: string;
  signals: Holding[];
  journal_bytes: number;
  damaged_files: number;
  damaged_bytes: number;
  read_by_others: boolean;
  retention_seconds: number;
  retention_bytes: number;
  /** Left on the disk of the folder; null where the folder is there no more. */
  free_bytes: number | null;
  /** Since the start. */
  counters: Record<string, unknown> & {
    /** When what has failed did so last, by the name of its counter. */
    last_failures_ms?: Record<string, number>;
  };
}

export interface FileInUse {
  role: "scrape" | "routes" | "overlay" | "rules" | "dashboard";
  path: string;
  modified_ms: number | null;
  /** It is another now than what was read. */
  changed: boolean;
}

export interface Setting {
  name: string;
  variable: string;
  value: string;
  default: string;
  unit: string;
  description: string;
  source: "default" | "environment" | "option";
}

export interface Configuration {
  read_ms: number;
  tried_ms: number;
  error: string;
  files: FileInUse[];
  /** The files without their secrets; "" where there is none. */
  texts: { scrape: string; routes: string; overlay: string };
  settings: Setting[];
}

export interface About {
  version: string;
  revision: string;
  python: string;
  platform: string;
  processors: number | null;
  memory_bytes: number;
  executable: string;
  libraries: Record<string, string>;
}

export interface Targets {
  active: Target[];
  dropped: { discoveredLabels: Labels; scrapePool: string }[];
}

export interface Target extends ScrapeTarget {
  scrapeInterval: string;
  scrapeTimeout: string;
}

/** A group of rules as Prometheus' API tells it; times are texts. */
export interface RuleGroup {
  name: string;
  file: string;
  interval: number;
  evaluationTime: number;
  lastEvaluation: string;
  rules: GroupRule[];
}

export interface GroupRule {
  name: string;
  type: "alerting" | "recording";
  query: string;
  health: "ok" | "err" | "unknown";
  lastError?: string;
  evaluationTime: number;
  lastEvaluation: string;
  state?: "inactive" | "pending" | "firing";
  duration?: number;
  alerts?: { labels: Labels; state: string }[] | null;
}

export interface Cardinality {
  headStats: { numSeries: number; numLabelPairs: number; minTime: number; maxTime: number };
  seriesCountByMetricName: Counted[];
  labelValueCountByLabelName: Counted[];
  memoryInBytesByLabelName: Counted[];
  seriesCountByLabelValuePair: Counted[];
}

export interface Counted {
  name: string;
  value: number;
}

export function getStatus(signal: AbortSignal): Promise<Status> {
  return get(`${OWN}/status`, {}, signal);
}

export async function getLimits(signal: AbortSignal): Promise<Limit[]> {
  return (await get<{ limits: Limit[] }>(`${OWN}/status/limits`, {}, signal)).limits;
}

export function getConfiguration(signal: AbortSignal): Promise<Configuration> {
  return get(`${OWN}/status/configuration`, {}, signal);
}

export function getAbout(signal: AbortSignal): Promise<About> {
  return get(`${OWN}/status/about`, {}, signal);
}

export function getHeld(signal: AbortSignal): Promise<Held> {
  return get(`${OWN}/storage`, {}, signal);
}

export async function getAllTargets(signal: AbortSignal): Promise<Targets> {
  const body = await get<{ data: { activeTargets: Target[]; droppedTargets: Targets["dropped"] } }>(
    "/api/v1/targets",
    { state: "any" },
    signal,
  );
  return { active: body.data.activeTargets, dropped: body.data.droppedTargets };
}

export async function getRuleGroups(signal: AbortSignal): Promise<RuleGroup[]> {
  return (await get<{ data: { groups: RuleGroup[] } }>("/api/v1/rules", {}, signal)).data.groups;
}

export async function getCardinality(limit: number, signal: AbortSignal): Promise<Cardinality> {
  return (await get<{ data: Cardinality }>("/api/v1/status/tsdb", { limit }, signal)).data;
}

/** Has the files read again; what is wrong with them is an ApiError. */
export async function reload(signal: AbortSignal): Promise<void> {
  let response: Response;
  try {
    response = await connection.answer(fetch("/-/reload", { method: "POST", signal }));
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    connection.failed();
    throw new ApiError("The observatory does not answer. Is it still running?", 0);
  }
  if (!response.ok) {
    const text = (await response.text()).trim().replace(/^failed to reload config: /, "");
    throw new ApiError(
      text === "" ? `/-/reload answered ${String(response.status)}.` : text,
      response.status,
    );
  }
}
