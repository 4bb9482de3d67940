/** Which words of a body a query looked for, to be marked in what it found. */

import { LITERAL, tokens } from "./kql";

const BODY = ["", "body", "message", "*"];
const WORD = "[\\p{L}\\p{N}_]";
const MOST_MARKS = 200;

export interface Segment {
  text: string;
  hit: boolean;
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
  for (let i = 0; i < value.length; i += 1) {
    let one = value.charAt(i);
    if (!isPhrase && one === "*") {
      source += `${WORD}*`;
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
  return inner === "" || inner === `${WORD}*` ? "" : `(?<!${WORD})${inner}(?!${WORD})`;
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** Cuts a text into what was looked for and what stands between. */
export function segments(text: string, marks: RegExp | null): Segment[] {
  if (marks === null) {
    return [{ text, hit: false }];
  }
  const found: Segment[] = [];
  let at = 0;
  for (const match of text.matchAll(marks)) {
    if (match[0] === "" || found.length > MOST_MARKS) {
      break;
    }
    if (match.index > at) {
      found.push({ text: text.slice(at, match.index), hit: false });
    }
    found.push({ text: match[0], hit: true });
    at = match.index + match[0].length;
  }
  if (at < text.length || found.length === 0) {
    found.push({ text: text.slice(at), hit: false });
  }
  return found;
}
