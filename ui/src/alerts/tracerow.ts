/** A request in a list: a trace, or a span that is opened in its trace. */

import type { SpanPoint, TraceSummary } from "../api/traces";
import { traceHref } from "../links/trace";

export interface TraceRow {
  href: string;
  start_ms: number;
  service: string;
  name: string;
  duration_ms: number;
  errors: number;
}

export function rowOfTrace(trace: TraceSummary): TraceRow {
  return {
    href: traceHref(trace.trace_id),
    start_ms: trace.start_ms,
    service: trace.root_service,
    name: trace.root_name,
    duration_ms: trace.duration_ms,
    errors: trace.error_count,
  };
}

export function rowOfSpan(span: SpanPoint): TraceRow {
  return {
    href: traceHref(span.trace_id, span.span_id),
    start_ms: span.start_ms,
    service: span.service,
    name: span.name,
    duration_ms: span.duration_ms,
    errors: span.status === "error" ? 1 : 0,
  };
}

/** Returns the longest spans, the longest first, one of each trace: those below it last as long because it does. */
export function longest(spans: readonly SpanPoint[], most: number): SpanPoint[] {
  const found = new Map<string, SpanPoint>();
  for (const span of spans.toSorted((a, b) => b.duration_ms - a.duration_ms || a.start_ms - b.start_ms)) {
    if (!found.has(span.trace_id)) {
      found.set(span.trace_id, span);
    }
  }
  return [...found.values()].slice(0, most);
}
