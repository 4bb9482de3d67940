/** Traces and services. Times are Unix milliseconds unless said otherwise. */

import { OWN, get, type Params } from "./http";

export type Attributes = Record<string, unknown>;

export interface Service {
  name: string;
  operations: string[];
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

export async function getServices(signal: AbortSignal): Promise<Service[]> {
  return (await get<{ services: Service[] }>(`${OWN}/services`, {}, signal)).services;
}

export async function searchTraces(params: Params, signal: AbortSignal): Promise<TraceSummary[]> {
  return (await get<{ traces: TraceSummary[] }>(`${OWN}/traces`, params, signal)).traces;
}

export function getTrace(traceId: string, signal: AbortSignal): Promise<Trace> {
  return get(`${OWN}/traces/${encodeURIComponent(traceId)}`, {}, signal);
}
