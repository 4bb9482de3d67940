/** Which words of a body a query looked for, to be marked in what it found. */

import { runsOf } from "./ansi";
import { LITERAL, tokens } from "./kql";

const BODY = ["", "body", "message", "*"];
const WORD = "[\\p{L}\\p{N}_]";
const MOST_MARKS = 200;
/** Asterisks of one word, and characters for which one stands: what is tried grows with their power. */
const MOST_WILDCARDS = 2;
const LONGEST_WILD = 200;
const ANY = `${WORD}{0,${String(LONGEST_WILD)}}`;

export interface Segment {
  text: string;
  hit: boolean;
  /** What it looks like by the colours that the text has itself. */
  style: string;
}

/** Returns what finds the words that a query wants in the body; null where it wants none. */
export function marksOf(query: string): RegExp | null {
  const wanted = new Set<string>();
  const groups: { field: string; negated: boolean }[] = [];
  let around = { field: "", negated: false };
  let field: string | null = null;
  let negated = false;
  let compared = false;
  let signed = false;
  const all = tokens(query);
  for (const [i, token] of all.entries()) {
    switch (token.kind) {
      case "and":
      case "or":
        [field, negated, compared] = [null, false, false];
        break;
      case "not":
        negated = !negated;
        break;
      case "sign":
        [field, negated, compared, signed] = [null, token.value !== "+", false, true];
        break;
      case "open":
        groups.push(around);
        around = { field: field ?? around.field, negated: around.negated !== negated };
        [field, negated, compared] = [null, false, false];
        break;
      case "close":
        around = groups.pop() ?? { field: "", negated: false };
        [field, negated, compared] = [null, false, false];
        break;
      case "compare":
        compared = true;
        break;
      case "colon":
        break;
      default: {
        const next = all[i + 1]?.kind;
        if (next === "colon" || next === "compare") {
          [field, compared] = [token.value.replaceAll(LITERAL, ""), false];
        } else {
          const looked = BODY.includes(field ?? around.field) && !compared && negated === around.negated;
          const source = looked ? sourceOf(token.value, token.kind === "phrase") : "";
          if (source !== "") {
            wanted.add(source);
          }
          if (signed) {
            [field, negated, signed] = [null, false, false];
          }
        }
      }
    }
  }
  return wanted.size === 0 ? null : new RegExp([...wanted].join("|"), "giu");
}

function sourceOf(value: string, isPhrase: boolean): string {
  let source = "";
  let wildcards = 0;
  for (let i = 0; i < value.length; i += 1) {
    let one = value.charAt(i);
    if (!isPhrase && one === "*") {
      wildcards += source.endsWith(ANY) ? 0 : 1;
      source += source.endsWith(ANY) ? "" : ANY;
      continue;
    }
    if (!isPhrase && one === "?") {
      source += WORD;
      continue;
    }
    if (one === LITERAL) {
      i += 1;
      one = value.charAt(i);
    }
    // A sign between words stands for any that part them.
    const parts = /[\p{L}\p{N}_\uD800-\uDFFF]/u.test(one) ? escape(one) : "[^\\p{L}\\p{N}_]+";
    source += parts.startsWith("[^") && source.endsWith(parts) ? "" : parts;
  }
  const inner = source.replace(/^\[\^\\p\{L\}\\p\{N\}_\]\+|\[\^\\p\{L\}\\p\{N\}_\]\+$/g, "");
  return inner === "" || inner === ANY || wildcards > MOST_WILDCARDS ? "" : `(?<!${WORD})${inner}(?!${WORD})`;
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** Cuts a text into what was looked for and what stands between, and where its own colours change. */
export function segments(text: string, marks: RegExp | null): Segment[] {
  const runs = runsOf(text);
  const hits = hitsIn(runs.map((one) => one.text).join(""), marks);
  const found: Segment[] = [];
  let begin = 0;
  let next = 0;
  for (const run of runs) {
    const end = begin + run.text.length;
    let at = begin;
    while (at < end || found.length === 0) {
      while ((hits[next]?.[1] ?? Infinity) <= at) {
        next += 1;
      }
      const [from, to] = hits[next] ?? [Infinity, Infinity];
      const hit = from <= at;
      const stop = Math.min(end, hit ? to : from);
      found.push({ text: run.text.slice(at - begin, stop - begin), hit, style: run.style });
      at = stop;
    }
    begin = end;
  }
  return found;
}

/** Where what was looked for begins and ends. */
function hitsIn(text: string, marks: RegExp | null): [number, number][] {
  const hits: [number, number][] = [];
  for (const match of marks === null ? [] : text.matchAll(marks)) {
    if (match[0] === "" || hits.length > MOST_MARKS) {
      break;
    }
    hits.push([match.index, match.index + match[0].length]);
  }
  return hits;
}
