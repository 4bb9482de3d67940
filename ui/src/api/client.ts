/** Reads the observatory's HTTP API; every failure becomes an Error whose message can be shown as it is. */

import type {
  Dashboard,
  DashboardEntry,
  LogRecord,
  MatrixSeries,
  Playbook,
  Rule,
  ScrapeTarget,
  Service,
  Status,
  Trace,
  TraceSummary,
} from "./types";

export class ApiError extends Error {
  constructor(
    message: string,
    /** The HTTP status; 0 where no answer came. */
    readonly status: number,
  ) {
    super(message);
  }
}

type Params = Record<string, string | number | null | undefined>;

export function searchString(params: Params): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== "") {
      search.set(name, String(value));
    }
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

async function get<T>(path: string, params: Params, signal: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path + searchString(params), { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    throw new ApiError("The observatory does not answer. Is it still running?", 0);
  }
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    if (signal.aborted) {
      throw error;
    }
    throw new ApiError(
      `${path} answered ${String(response.status)} with something that is not JSON.`,
      response.status,
    );
  }
  if (!response.ok) {
    const message = (body as { error?: unknown } | null)?.error;
    const text = typeof message === "string" ? message : `${path} answered ${String(response.status)}.`;
    throw new ApiError(text, response.status);
  }
  return body as T;
}

const OWN = "/api/accelerapp/v1";

export async function queryRange(
  query: string,
  range: { start: number; end: number; step: number },
  signal: AbortSignal,
): Promise<MatrixSeries[]> {
  const body = await get<{ data: { result: MatrixSeries[] } }>(
    "/api/v1/query_range",
    { query, ...range },
    signal,
  );
  return body.data.result;
}

export async function getTargets(signal: AbortSignal): Promise<ScrapeTarget[]> {
  const body = await get<{ data: { activeTargets: ScrapeTarget[] } }>(
    "/api/v1/targets",
    { state: "active" },
    signal,
  );
  return body.data.activeTargets;
}

export function getStatus(signal: AbortSignal): Promise<Status> {
  return get(`${OWN}/status`, {}, signal);
}

export function getDashboards(signal: AbortSignal): Promise<DashboardEntry[]> {
  return get(`${OWN}/dashboards`, {}, signal);
}

export function getDashboard(uid: string, signal: AbortSignal): Promise<Dashboard> {
  return get(`${OWN}/dashboards/${encodeURIComponent(uid)}`, {}, signal);
}

export async function getRules(signal: AbortSignal): Promise<Rule[]> {
  return (await get<{ rules: Rule[] }>(`${OWN}/alerts`, {}, signal)).rules;
}

export function getPlaybook(name: string, signal: AbortSignal): Promise<Playbook> {
  return get(`${OWN}/playbooks/${encodeURIComponent(name)}`, {}, signal);
}

export async function getServices(signal: AbortSignal): Promise<Service[]> {
  return (await get<{ services: Service[] }>(`${OWN}/services`, {}, signal)).services;
}

export async function searchTraces(params: Params, signal: AbortSignal): Promise<TraceSummary[]> {
  return (await get<{ traces: TraceSummary[] }>(`${OWN}/traces`, params, signal)).traces;
}

export function getTrace(traceId: string, signal: AbortSignal): Promise<Trace> {
  return get(`${OWN}/traces/${encodeURIComponent(traceId)}`, {}, signal);
}

export async function searchLogs(params: Params, signal: AbortSignal): Promise<LogRecord[]> {
  return (await get<{ logs: LogRecord[] }>(`${OWN}/logs`, params, signal)).logs;
}
