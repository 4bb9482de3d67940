/** The list of found traces while it is refreshed and grows, without moving what is being read. */

import type { TracePage, TraceSummary } from "../api/traces";

export interface Found {
  traces: TraceSummary[];
  /** The `before` of the page after the last one that is shown; null where there is none. */
  next: string | null;
  /** Newer ones than those shown, which wait until the reader asks for them. */
  waiting: number;
  /** Whether more than the newest page is shown. */
  older: boolean;
}

export const NOTHING: Found = { traces: [], next: null, waiting: 0, older: false };

/** Returns the list with the newest page read again; `hold` keeps new traces out of it, and counts them. */
export function refreshed(found: Found, page: TracePage, hold: boolean): Found {
  const shown = new Set(found.traces.map((trace) => trace.trace_id));
  const fresh = new Map(page.traces.map((trace) => [trace.trace_id, trace]));
  const added = page.traces.filter((trace) => !shown.has(trace.trace_id));
  if (hold && added.length > 0 && found.traces.length > 0) {
    // More spans of a trace that is shown may have come: its row says so, at its place.
    const traces = found.traces.map((trace) => fresh.get(trace.trace_id) ?? trace);
    return { ...found, traces, waiting: added.length };
  }
  const connected = added.length < page.traces.length;
  if (!found.older || !connected) {
    // Older pages that do not connect to the newest one any more would hide what lies between them.
    return { traces: page.traces, next: page.next, waiting: 0, older: false };
  }
  const kept = found.traces.filter((trace) => !fresh.has(trace.trace_id));
  return { ...found, traces: [...page.traces, ...kept], waiting: 0 };
}

/** Returns the list with its next page. */
export function extended(found: Found, page: TracePage): Found {
  const shown = new Set(found.traces.map((trace) => trace.trace_id));
  return {
    ...found,
    traces: [...found.traces, ...page.traces.filter((trace) => !shown.has(trace.trace_id))],
    next: page.next,
    older: true,
  };
}
