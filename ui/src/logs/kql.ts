/** The pieces of a log query (docs/howto/search-logs.md), as far as the page must know them while one is typed. */

export type TokenKind =
  "word" | "phrase" | "open" | "close" | "colon" | "compare" | "and" | "or" | "not" | "sign";

export interface Token {
  kind: TokenKind;
  from: number;
  to: number;
  /** Of a word or a phrase: the text without quotes and escapes; an escaped wildcard stands for itself. */
  value: string;
  /** A phrase without its closing quote. */
  open?: boolean;
}

const JOINTS: Record<string, TokenKind> = { and: "and", or: "or", not: "not", "&&": "and", "||": "or" };
const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t" };
/** Stands in `value` before a character that was escaped and would have a meaning otherwise. */
export const LITERAL = "\u0000";

export function tokens(text: string): Token[] {
  const found: Token[] = [];
  let at = 0;
  const single: Record<string, TokenKind> = { "(": "open", ")": "close", ":": "colon" };
  while (at < text.length) {
    const one = text.charAt(at);
    const from = at;
    if (/\s/.test(one)) {
      at += 1;
      continue;
    }
    const kind = single[one];
    if (kind !== undefined) {
      at += 1;
      found.push({ kind, from, to: at, value: one });
    } else if (one === "<" || one === ">") {
      at += text.charAt(at + 1) === "=" ? 2 : 1;
      found.push({ kind: "compare", from, to: at, value: text.slice(from, at) });
    } else if (one === '"') {
      found.push(phrase(text, from));
      at = found.at(-1)?.to ?? text.length;
    } else if (
      "+-!".includes(one) &&
      beginsClause(found.at(-1), from) &&
      /[^\s+\-!]/.test(text.charAt(at + 1))
    ) {
      at += 1;
      found.push({ kind: "sign", from, to: at, value: one });
    } else {
      const previous = found.at(-1);
      found.push(word(text, from, previous?.kind === "colon"));
      at = found.at(-1)?.to ?? text.length;
    }
  }
  return found;
}

function beginsClause(previous: Token | undefined, at: number): boolean {
  return previous === undefined || previous.kind === "open" || previous.to < at;
}

function phrase(text: string, from: number): Token {
  let value = "";
  let at = from + 1;
  while (at < text.length && text.charAt(at) !== '"') {
    if (text.charAt(at) === "\\") {
      at += 1;
      value += ESCAPES[text.charAt(at)] ?? text.charAt(at);
    } else {
      value += text.charAt(at);
    }
    at += 1;
  }
  const open = at >= text.length;
  return { kind: "phrase", from, to: Math.min(at + 1, text.length), value, ...(open ? { open } : {}) };
}

function word(text: string, from: number, inField: boolean): Token {
  let value = "";
  let at = from;
  while (at < text.length && !/[\s()<>"]/.test(text.charAt(at)) && (inField || text.charAt(at) !== ":")) {
    if (text.charAt(at) === "\\" && at + 1 < text.length) {
      at += 1;
      const escaped = ESCAPES[text.charAt(at)] ?? text.charAt(at);
      value += /[*?]/.test(escaped) ? LITERAL + escaped : escaped;
    } else {
      value += text.charAt(at);
    }
    at += 1;
  }
  const kind = JOINTS[text.slice(from, at).toLowerCase()] ?? "word";
  return { kind, from, to: at, value };
}

/** Writes a text as a phrase. */
export function quoted(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, "\\$&")
    .replace(/\n/g, "\\n")
    .replace(/\r/g, "\\r")
    .replace(/\t/g, "\\t");
  return `"${escaped}"`;
}

/** Writes the name of a field, signs with a meaning escaped. */
export function fieldName(name: string): string {
  const escaped = name.replace(/[\\\s()<>"{}:*?~^]/g, "\\$&");
  return /^[+\-!]/.test(escaped) || escaped.toLowerCase() in JOINTS ? `\\${escaped}` : escaped;
}

/** Returns a query that asks for a condition besides. */
export function narrowed(query: string, condition: string): string {
  const text = query.trim();
  if (text === "") {
    return condition;
  }
  if (text === condition || text.endsWith(` and ${condition}`)) {
    return text;
  }
  return `${isConjunction(text) ? text : `(${text})`} and ${condition}`;
}

/** Tells whether all clauses must hold: those with `or` between them, or nothing, are alternatives. */
function isConjunction(text: string): boolean {
  let depth = 0;
  let ended = false;
  for (const { kind } of tokens(text)) {
    if (depth === 0 && (kind === "or" || kind === "sign")) {
      return false;
    }
    if (depth === 0 && ended && ["word", "phrase", "open", "not"].includes(kind)) {
      return false;
    }
    depth = Math.max(0, depth + (kind === "open" ? 1 : kind === "close" ? -1 : 0));
    ended = ["word", "phrase", "close"].includes(kind);
  }
  return depth === 0;
}
