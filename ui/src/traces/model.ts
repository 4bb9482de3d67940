/** A trace with all that its views show of it, worked out once. */

import type { Span, Trace } from "../api/traces";
import { serviceColors } from "./colors";
import { bySpan, criticalPath, type Section } from "./critical";
import { SpanFinder } from "./find";
import { noticesOf, type Notices, selfTimes } from "./timing";
import { levelsOf, makeRows, type Row } from "./waterfall";

export interface Model {
  trace: Trace;
  rows: Row[];
  /** Places of the spans by their keys. */
  places: Map<string, number>;
  /** The custom property that colours each service. */
  colors: Map<string, string>;
  /** Milliseconds of each span without its children. */
  self: number[];
  notices: Notices;
  /** The sections of the critical path by the place of their span, and its milliseconds in each service. */
  critical: Map<number, Section[]>;
  criticalByService: [string, number][];
  finder: SpanFinder;
  root: Span | undefined;
  errors: number;
  depth: number;
}

export function makeModel(trace: Trace): Model {
  const rows = makeRows(trace.spans);
  const sections = criticalPath(rows);
  const services = new Map<string, number>();
  for (const { index, from, to } of sections) {
    const service = rows[index]?.span.service ?? "";
    services.set(service, (services.get(service) ?? 0) + to - from);
  }
  return {
    trace,
    rows,
    places: new Map(rows.map((row) => [row.key, row.index])),
    colors: serviceColors(trace.services),
    self: selfTimes(rows),
    notices: noticesOf(rows),
    critical: bySpan(sections),
    criticalByService: [...services].sort(([, a], [, b]) => b - a),
    finder: new SpanFinder(trace.spans),
    root: (rows.find((row) => row.parent === null && !row.span.orphan) ?? rows[0])?.span,
    errors: trace.spans.filter((span) => span.status === "error").length,
    depth: levelsOf(rows),
  };
}

export function colorOf(model: Model, service: string): string {
  return `var(${model.colors.get(service) ?? "--series-7"})`;
}
