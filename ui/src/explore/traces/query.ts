/**
 * The one line in which traces are searched: `service=shop status=error minDuration=250ms http.route="/cart add"`.
 *
 * Terms are parted by blanks and must all hold for one span. A term whose name is none of the known ones is an
 * attribute of the span, of its resource or of an event, with exactly this value. A value with blanks or quotes stands
 * in double quotes, in which a backslash makes the next sign a plain one.
 */

import { parseDuration } from "../../format/duration";
import type { Problem } from "../problem";

export const NAMES = [
  "service",
  "operation",
  "status",
  "kind",
  "scope",
  "minDuration",
  "maxDuration",
] as const;
export type Name = (typeof NAMES)[number];

export const STATUSES = ["error", "ok", "unset"];
export const KINDS = ["server", "client", "internal", "producer", "consumer", "unspecified"];

export interface TraceQuery {
  values: Partial<Record<Name, string>>;
  attributes: [string, string][];
  problems: Problem[];
}

/** A term of the text; offsets are into it. */
export interface Term {
  from: number;
  name: string;
  /** Where the value begins, quotes and all; null where there is no equals sign. */
  valueFrom: number | null;
  value: string;
  to: number;
  /** Where a quote begins that has no end. */
  unclosed: number | null;
}

/** Takes a text apart, without asking what its terms mean. */
export function readTerms(text: string): Term[] {
  const terms: Term[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at] ?? "")) {
      at += 1;
      continue;
    }
    const term: Term = { from: at, name: "", valueFrom: null, value: "", to: at, unclosed: null };
    let quoted: number | null = null;
    for (; at < text.length; at += 1) {
      const sign = text[at] ?? "";
      if (quoted === null && /\s/.test(sign)) {
        break;
      }
      if (term.valueFrom === null) {
        if (sign === "=") {
          term.valueFrom = at + 1;
        } else {
          term.name += sign;
        }
      } else if (sign === '"') {
        quoted = quoted === null ? at : null;
      } else if (sign === "\\" && quoted !== null && at + 1 < text.length) {
        at += 1;
        term.value += text[at] ?? "";
      } else {
        term.value += sign;
      }
    }
    term.to = at;
    term.unclosed = quoted;
    terms.push(term);
  }
  return terms;
}

/** Reads a query, and tells all that is wrong with it. */
export function readTraceQuery(text: string): TraceQuery {
  const query: TraceQuery = { values: {}, attributes: [], problems: [] };
  for (const term of readTerms(text)) {
    const problem = problemOf(term, query);
    if (problem !== null) {
      query.problems.push({ severity: "error", ...problem });
    } else if (isName(term.name)) {
      query.values[term.name] = term.value;
    } else {
      query.attributes.push([term.name, term.value]);
    }
  }
  const { minDuration, maxDuration } = query.values;
  const [low, high] = [parseDuration(minDuration ?? ""), parseDuration(maxDuration ?? "")];
  if (low !== null && high !== null && low > high) {
    query.problems.push({
      from: 0,
      to: text.length,
      severity: "error",
      message: "minDuration is longer than maxDuration: no span can be both.",
    });
  }
  return query;
}

/** Writes a value as a term has it. */
export function writeTerm(name: string, value: string): string {
  return `${name}=${/[\s"\\]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value}`;
}

function problemOf(term: Term, query: TraceQuery): Omit<Problem, "severity"> | null {
  const { from, to, name, value, valueFrom } = term;
  if (valueFrom === null) {
    return { from, to, message: `Write it as name=value, such as service=${name || "shop"}.` };
  }
  if (name === "") {
    return { from, to, message: "There is no name before the equals sign." };
  }
  const place = { from: valueFrom, to: Math.max(to, valueFrom) };
  if (term.unclosed !== null) {
    return { from: term.unclosed, to, message: "This quote has no end." };
  }
  if (!isName(name)) {
    const meant = NAMES.find((one) => one.toLowerCase() === name.toLowerCase());
    return meant === undefined ? null : { from, to: valueFrom - 1, message: `Write it as ${meant}.` };
  }
  if (value === "") {
    return { from, to, message: `${name} has no value.` };
  }
  if (query.values[name] !== undefined) {
    return { from, to, message: `${name} is there twice, and a span has only one.` };
  }
  if (name === "status" && !STATUSES.includes(value)) {
    return { ...place, message: `A status is one of ${STATUSES.join(", ")}.` };
  }
  if (name === "kind" && !KINDS.includes(value)) {
    return { ...place, message: `A kind is one of ${KINDS.join(", ")}.` };
  }
  if (name.endsWith("Duration") && parseDuration(value) === null) {
    return { ...place, message: "Write a duration as 250ms, 1.5s or 2m." };
  }
  return null;
}

function isName(name: string): name is Name {
  return (NAMES as readonly string[]).includes(name);
}
