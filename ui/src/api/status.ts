/** The state of the observatory. Times are Unix milliseconds unless said otherwise. */

import { OWN, get } from "./http";

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

export function getStatus(signal: AbortSignal): Promise<Status> {
  return get(`${OWN}/status`, {}, signal);
}
