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
  /** Spans whose parent is named and not stored. */
  orphan_count: number;
  services: string[];
}

/** A page of found traces, the newest first; `next` is the `before` of the next page, null on the last. */
export interface TracePage {
  traces: TraceSummary[];
  next: string | null;
}

export interface DurationBucket {
  /** What is longer than the bucket before and at most as long as this; null for all that is longer. */
  up_to_ms: number | null;
  spans: number;
}

export interface OperationFigures {
  service: string;
  name: string;
  kind: string;
  spans: number;
  errors: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
  max_ms: number;
}

/** What the spans that a search finds sum up to. */
export interface SpanFigures {
  spans: number;
  errors: number;
  durations: DurationBucket[];
  operations: OperationFigures[];
  /** There are more operations. */
  truncated: boolean;
}

/** A found span as a point of time and duration. */
export interface SpanPoint {
  trace_id: string;
  span_id: string;
  service: string;
  name: string;
  start_ms: number;
  duration_ms: number;
  status: string;
}

export interface Trace {
  trace_id: string;
  start_ms: number;
  duration_ms: number;
  services: string[];
  spans: Span[];
  /** There are more spans than are told. */
  truncated: boolean;
}

/** A span of a trace; its times are milliseconds after the trace's start. */
export interface Span {
  span_id: string;
  parent_span_id: string;
  name: string;
  kind: string;
  service: string;
  scope: string;
  scope_version: string;
  trace_state: string;
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

export function searchTracePage(params: Params, signal: AbortSignal): Promise<TracePage> {
  return get(`${OWN}/traces`, params, signal);
}

export function getSpanFigures(params: Params, signal: AbortSignal): Promise<SpanFigures> {
  return get(`${OWN}/spans/figures`, params, signal);
}

export async function getSpanPoints(params: Params, signal: AbortSignal): Promise<SpanPoint[]> {
  return (await get<{ spans: SpanPoint[] }>(`${OWN}/spans`, params, signal)).spans;
}

export function getTrace(traceId: string, signal: AbortSignal): Promise<Trace> {
  return get(`${OWN}/traces/${encodeURIComponent(traceId)}`, {}, signal);
}

/** Returns a trace as OTLP's JSON has it. */
export async function getOtlp(traceId: string, signal: AbortSignal): Promise<unknown> {
  return (await get<{ result: unknown }>(`/api/v3/traces/${encodeURIComponent(traceId)}`, {}, signal)).result;
}
