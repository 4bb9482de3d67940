/** What can stand at a place of a query that is being typed. */

import type { LogField } from "../api/logs";
import { LITERAL, type Token, fieldName, quoted, tokens } from "./kql";

export interface Place {
  kind: "field" | "value" | "joint";
  /** What is replaced: from here up to the caret. */
  from: number;
  /** What was typed of it. */
  prefix: string;
  /** Of a value: its field. */
  field: string;
}

export interface Suggestion {
  /** What is shown. */
  label: string;
  /** What is put in. */
  insert: string;
  detail: string;
}

const VALUES = new Set(["word", "phrase", "close"]);
const MOST = 12;

/** Tells what is being typed at the caret; null where nothing can be suggested, as within a phrase of the body. */
export function placeAt(text: string, caret: number): Place | null {
  const before = tokens(text.slice(0, caret));
  const last = before.at(-1);
  const typing =
    last !== undefined &&
    last.to === caret &&
    (last.kind === "word" || last.kind === "phrase" || isJoint(last));
  if (typing && last.kind === "phrase" && last.open !== true) {
    return null;
  }
  const done = typing ? before.slice(0, -1) : before;
  const from = typing ? last.from : caret;
  const prefix = typing
    ? isJoint(last)
      ? text.slice(last.from, caret)
      : last.value.replaceAll(LITERAL, "")
    : "";
  const field = fieldAt(done);
  if (field !== null) {
    return { kind: "value", from, prefix, field };
  }
  if (typing && last.kind === "phrase") {
    return null;
  }
  const previous = done.at(-1);
  const kind = previous !== undefined && VALUES.has(previous.kind) ? "joint" : "field";
  return { kind, from, prefix, field: "" };
}

function isJoint(token: Token): boolean {
  return token.kind === "and" || token.kind === "or" || token.kind === "not";
}

/** The field whose value is missing behind these pieces; null where none is. */
function fieldAt(done: Token[]): string | null {
  const groups: (string | null)[] = [];
  let around: string | null = null;
  let asked: string | null = null;
  let previous: Token | undefined;
  for (const token of done) {
    if (token.kind === "colon" || token.kind === "compare") {
      asked = previous?.kind === "word" ? previous.value.replaceAll(LITERAL, "") : asked;
    } else if (token.kind === "open") {
      groups.push(around);
      around = asked ?? around;
      asked = null;
    } else if (token.kind === "close") {
      around = groups.pop() ?? null;
      asked = null;
    } else {
      asked = null;
    }
    previous = token;
  }
  // Within the brackets of a field, a value is next where none has just ended.
  const inGroup = previous !== undefined && !VALUES.has(previous.kind) ? around : null;
  return asked ?? inGroup;
}

const OPERATORS: Record<string, string> = { number: "number", date: "time", text: "words" };

export function fieldSuggestions(fields: LogField[], place: Place): Suggestion[] {
  const wanted = place.prefix.toLowerCase();
  const rank = (name: string): number => (name.toLowerCase().startsWith(wanted) ? 0 : 1);
  const found = fields
    .filter((one) => one.name.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1))
    .slice(0, MOST)
    .map((one) => ({
      label: one.name,
      insert: fieldName(one.name) + (one.type === "date" ? " >= " : ": "),
      detail: OPERATORS[one.type] ?? one.type,
    }));
  return place.kind === "field" ? found : [...jointSuggestions(place), ...(wanted === "" ? [] : found)];
}

function jointSuggestions(place: Place): Suggestion[] {
  return [
    { label: "and", insert: "and ", detail: "both" },
    { label: "or", insert: "or ", detail: "one of them" },
    { label: "and not", insert: "and not ", detail: "the first without the second" },
  ].filter((one) => one.label.startsWith(place.prefix.toLowerCase()));
}

export function valueSuggestions(
  values: { value: string; lines: number }[],
  place: Place,
  lines: (count: number) => string,
): Suggestion[] {
  const wanted = place.prefix.toLowerCase();
  const rank = (text: string): number => (text.toLowerCase().startsWith(wanted) ? 0 : 1);
  const found = values
    .filter((one) => one.value.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a.value) - rank(b.value) || b.lines - a.lines)
    .slice(0, MOST)
    .map((one) => ({ label: one.value, insert: `${valueText(one.value)} `, detail: lines(one.lines) }));
  const any = { label: "*", insert: "* ", detail: "any value" };
  return wanted === "" ? [...found, any] : found;
}

/** Writes a value, in quotes where it needs them. */
function valueText(value: string): string {
  return /^[\p{L}\p{N}_./@%#][\p{L}\p{N}_./:@%#-]*$/u.test(value) && !/^(and|or|not|to)$/i.test(value)
    ? value
    : quoted(value);
}

/** Puts a suggestion in; a value goes on in what is left of the old one only if that is a new word. */
export function applied(
  text: string,
  caret: number,
  place: Place,
  chosen: Suggestion,
): { text: string; caret: number } {
  const before = text.slice(0, place.from) + chosen.insert;
  return { text: before + text.slice(caret).replace(/^\s+/, ""), caret: before.length };
}
