/** Who calls whom, and how each service does. Times are Unix milliseconds unless said otherwise. */

import { OWN, get } from "./http";
import type { Labels } from "./metrics";

/** What a service was asked; percentiles are null where it was asked nothing. */
export interface ServiceFigures {
  service: string;
  spans: number;
  requests: number;
  errors: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  operations: number;
  last_ms: number;
}

export interface ServiceEdge {
  caller: string;
  callee: string;
  calls: number;
  errors: number;
  p50_ms: number;
  p95_ms: number;
}

/** Calls to what sends no spans itself. */
export interface PeerEdge {
  caller: string;
  peer: string;
  type: PeerType;
  calls: number;
  errors: number;
  p50_ms: number;
  p95_ms: number;
}

export type PeerType = "database" | "queue" | "model" | "external";

export interface ServiceGraph {
  services: string[];
  figures: ServiceFigures[];
  edges: ServiceEdge[];
  peers: PeerEdge[];
  truncated: boolean;
}

export function getServiceGraph(
  range: { from: number; to: number },
  signal: AbortSignal,
): Promise<ServiceGraph> {
  return get(
    `${OWN}/service-graph`,
    { start_ms: Math.floor(range.from), end_ms: Math.ceil(range.to) },
    signal,
  );
}

/** An alert as Prometheus tells it. */
export interface ActiveAlert {
  labels: Labels;
  annotations: Labels;
  state: "pending" | "firing";
  activeAt: string;
}

export async function getActiveAlerts(signal: AbortSignal): Promise<ActiveAlert[]> {
  return (await get<{ data: { alerts: ActiveAlert[] } }>("/api/v1/alerts", {}, signal)).data.alerts;
}
