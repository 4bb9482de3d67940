/** Spans made for tests. */

import type { Span } from "../api/traces";

export function makeSpan(id: string, depth: number, given: Partial<Span> = {}): Span {
  return {
    span_id: id,
    depth,
    parent_span_id: "",
    name: id,
    kind: "internal",
    service: "s",
    scope: "",
    scope_version: "",
    trace_state: "",
    start_ms: 0,
    duration_ms: 1,
    status: "unset",
    status_message: "",
    attributes: {},
    resource: {},
    events: [],
    links: [],
    orphan: false,
    ...given,
  };
}

/** A span from one moment to another, in milliseconds. */
export function spanFrom(
  id: string,
  depth: number,
  from: number,
  to: number,
  given: Partial<Span> = {},
): Span {
  return makeSpan(id, depth, { start_ms: from, duration_ms: to - from, ...given });
}
