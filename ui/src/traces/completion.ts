/** Attributes to search for, from traces that were found. */

import { getTrace, type Trace, type TraceSummary } from "../api/traces";
import { attributeText } from "./find";

export interface Completion {
  /** Values by attribute name, both in ascending order. */
  attributes: Map<string, string[]>;
  scopes: string[];
}

const TRACES = 4;
const MOST_SPANS = 500;
const MOST_VALUES = 50;
const LONGEST_VALUE = 100;

/** Reads some of the found traces, small ones, and returns what their spans have. */
export async function loadCompletion(found: TraceSummary[], signal: AbortSignal): Promise<Completion> {
  const small = found.filter((trace) => trace.span_count <= MOST_SPANS);
  // Traces of many services have the most attributes between them.
  const some = small.toSorted((a, b) => b.services.length - a.services.length).slice(0, TRACES);
  const read = await Promise.allSettled(some.map((trace) => getTrace(trace.trace_id, signal)));
  return completionOf(read.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
}

export function completionOf(traces: Trace[]): Completion {
  const values = new Map<string, Set<string>>();
  const scopes = new Set<string>();
  for (const span of traces.flatMap((trace) => trace.spans)) {
    scopes.add(span.scope);
    for (const attributes of [span.attributes, span.resource, ...span.events.map((one) => one.attributes)]) {
      for (const [name, value] of Object.entries(attributes)) {
        const seen = values.get(name) ?? new Set();
        const text = attributeText(value);
        if (seen.size < MOST_VALUES && text.length <= LONGEST_VALUE) {
          seen.add(text);
        }
        values.set(name, seen);
      }
    }
  }
  scopes.delete("");
  return {
    attributes: new Map(
      [...values].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, seen]) => [name, [...seen].sort()]),
    ),
    scopes: [...scopes].sort(),
  };
}

/** Returns what completes the text of an attribute: names with "=", then, behind it, values. */
export function complete(completion: Completion, typed: string): string[] {
  const [name = "", ...rest] = typed.split("=");
  return rest.length > 0
    ? (completion.attributes.get(name) ?? []).map((value) => `${name}=${value}`)
    : [...completion.attributes.keys()].map((one) => `${one}=`);
}
