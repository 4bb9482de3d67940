/** Traces and services. Times are Unix milliseconds unless said otherwise. */

import { OWN, get, getAhead, type Params } from "./http";

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

export interface SpanEvent {
  time_ms: number;
  name: string;
  attributes: Attributes;
}

export interface SpanLink {
  trace_id: string;
  span_id: string;
  attributes?: Attributes;
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
  /** The same object for all spans of one resource. */
  resource: Attributes;
  events: SpanEvent[];
  links: SpanLink[];
  depth: number;
  orphan: boolean;
}

/** A trace as it is told: of a span what is empty is left out, and its resource is a place in `resources`. */
export interface ToldTrace extends Omit<Trace, "spans"> {
  resources: Attributes[];
  spans: (Partial<Omit<Span, "resource">> &
    Pick<Span, "span_id" | "name" | "kind" | "service" | "start_ms" | "duration_ms" | "status" | "depth"> & {
      resource: number;
    })[];
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

export async function getTrace(traceId: string, signal: AbortSignal): Promise<Trace> {
  return readTrace(await get(tracePath(traceId), {}, signal));
}

/** Asks for a trace before the view that shows it is there: a large one takes as long to be told as the view to load. */
export function getTraceAhead(traceId: string): void {
  getAhead(tracePath(traceId));
}

const tracePath = (traceId: string): string => `${OWN}/traces/${encodeURIComponent(traceId)}`;

/** Gives each span what was left out of it; one by one, so that all spans have one shape, which is read faster. */
export function readTrace({ resources, spans, ...trace }: ToldTrace): Trace {
  return {
    ...trace,
    spans: spans.map((told) => ({
      span_id: told.span_id,
      parent_span_id: told.parent_span_id ?? "",
      name: told.name,
      kind: told.kind,
      service: told.service,
      scope: told.scope ?? "",
      scope_version: told.scope_version ?? "",
      trace_state: told.trace_state ?? "",
      start_ms: told.start_ms,
      duration_ms: told.duration_ms,
      status: told.status,
      status_message: told.status_message ?? "",
      attributes: told.attributes ?? {},
      resource: resources[told.resource] ?? {},
      events: told.events ?? [],
      links: told.links ?? [],
      depth: told.depth,
      orphan: told.orphan ?? false,
    })),
  };
}

/** Returns a trace as OTLP's JSON has it. */
export async function getOtlp(traceId: string, signal: AbortSignal): Promise<unknown> {
  return (await get<{ result: unknown }>(`/api/v3/traces/${encodeURIComponent(traceId)}`, {}, signal)).result;
}
