/** Which traces and lines belong to an alert: those of its service, failed or slow by what the alert is about. */

import type { AlertInstance, Rule } from "../api/alerts";
import type { Labels } from "../api/metrics";
import type { Service } from "../api/traces";
import { unitOf } from "./unit";

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

export function evidenceOf(
  rule: Pick<Rule, "name" | "graph_query" | "annotations" | "threshold">,
  labels: Labels,
  value: AlertInstance["value"],
  services: Service[],
): Evidence {
  const about = `${rule.name} ${rule.graph_query}`;
  // The name is what its author meant; a histogram of durations also counts requests.
  const kind: Kind = ERRORS.test(rule.name)
    ? "error"
    : LATENCY.test(rule.name)
      ? "slow"
      : ERRORS.test(about)
        ? "error"
        : LATENCY.test(about)
          ? "slow"
          : "all";
  const scale = { s: 1000, ms: 1 }[unitOf(rule)] ?? null;
  const limit = rule.threshold ?? value;
  const route = labels["route"] ?? labels["http_route"];
  return {
    service: serviceOf(labels, services),
    kind,
    slowMs: scale === null || limit === null || limit <= 0 ? null : limit * scale,
    attributes: route === undefined || route === "" ? [] : [`http.route=${route}`],
  };
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
