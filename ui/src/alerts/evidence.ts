/** Which traces and lines belong to an alert: those of its service, failed or slow by what the alert is about. */

import type { Rule } from "../api/alerts";
import type { Labels, QueryData } from "../api/metrics";
import type { Service } from "../api/traces";
import { agrees } from "./placeholders";
import { nameUnit, unitOf } from "./unit";

export type Kind = "error" | "slow" | "all";

export interface Evidence {
  /** "" where no label names a service that has sent traces. */
  service: string;
  /** What the alert is about, as its rule reads. */
  kind: Kind;
  /** How long a span must last to be slow, in milliseconds; null where nothing tells. */
  slowMs: number | null;
  /** "name=value" of spans. */
  attributes: string[];
}

const ERRORS = /error|fail|exception|5xx|unavailable|refused/i;
const LATENCY = /duration|latency|slow|response_time|lag|quantile/i;
const MILLISECONDS: Record<string, number> = { s: 1000, ms: 1 };

/** `limit` is what the value of these labels is compared with; null where that is not known. */
export function evidenceOf(
  rule: Pick<Rule, "name" | "graph_query" | "annotations" | "histogram">,
  labels: Labels,
  limit: number | null,
  services: Service[],
): Evidence {
  const { histogram } = rule;
  const durations = MILLISECONDS[histogram === null ? "" : nameUnit(histogram.metric)];
  const scale = durations ?? MILLISECONDS[unitOf(rule)] ?? null;
  const bound = durations === undefined ? limit : (histogram?.bound ?? limit);
  return {
    service: serviceOf(labels, services),
    kind: durations === undefined ? kindOf(rule) : "slow",
    slowMs: scale === null || bound === null || bound <= 0 ? null : bound * scale,
    attributes: attributesOf(labels),
  };
}

/**
 * The attributes that OpenTelemetry's conventions give to metrics and to spans alike: a metric's label has them with
 * underscores. Those before, and `route` of those who have no conventions, come after the present ones.
 */
const SHARED = [
  "http.route",
  "http.request.method",
  "http.response.status_code",
  "http.method",
  "http.status_code",
  "rpc.service",
  "rpc.method",
  "db.operation.name",
  "db.collection.name",
  "db.operation",
  "messaging.destination.name",
  "messaging.operation.name",
  "gen_ai.request.model",
  "gen_ai.operation.name",
  "error.type",
];

/** What of an alert's labels its spans have as attributes, as "name=value". */
function attributesOf(labels: Labels): string[] {
  const named = SHARED.map((name) => [name, labels[name] ?? labels[name.replaceAll(".", "_")]] as const);
  return [
    ...named,
    ["http.route", labels["http_route"] === undefined ? labels["route"] : undefined] as const,
  ].flatMap(([name, value]) => (value === undefined || value === "" ? [] : [`${name}=${value}`]));
}

/** What a rule is about where no histogram tells: the name is what its author meant, the metrics come after it. */
function kindOf({ name, graph_query }: Pick<Rule, "name" | "graph_query">): Kind {
  for (const text of [name, graph_query]) {
    if (ERRORS.test(text)) {
      return "error";
    }
    if (LATENCY.test(text)) {
      return "slow";
    }
  }
  return "all";
}

/** What the value of some labels is compared with, of all that a threshold's query gives; null where it gives nothing. */
export function limitOf(data: QueryData, labels: Labels): number | null {
  const text =
    data.resultType === "scalar"
      ? data.result[1]
      : data.resultType === "vector"
        ? data.result.find((one) => agrees(one.metric, labels))?.value?.[1]
        : undefined;
  const limit = Number(text);
  return text === undefined || !Number.isFinite(limit) ? null : limit;
}

/** The service that an alert's labels name: `job` is `namespace/name` where it comes from OpenTelemetry. */
function serviceOf(labels: Labels, services: Service[]): string {
  const known = new Set(services.map((one) => one.name));
  const named = ["service", "service_name", "exported_service", "exported_job", "job", "app"].flatMap(
    (name) => {
      const value = labels[name];
      return value === undefined ? [] : [value, value.replace(/^.*\//, "")];
    },
  );
  return named.find((name) => known.has(name)) ?? labels["service"] ?? labels["service_name"] ?? "";
}
