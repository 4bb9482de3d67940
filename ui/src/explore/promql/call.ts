/** The call that a place in a query is in, also where the query is not finished. */

export interface Call {
  name: string;
  /** The argument in which the place is, from 0. */
  argument: number;
  /** Where the name begins. */
  from: number;
}

interface Bracket {
  sign: string;
  call: Call | null;
  /** The aggregation whose labels are in these brackets: `sum by (…)`. */
  grouped: Omit<Call, "argument"> | null;
}

const GROUPING = ["by", "without"];
const WORD = /[A-Za-z_:][\w:]*/y;

/** Returns the innermost call around an offset; null where it is in none, or in a string, a selector or a range. */
export function callAt(text: string, offset: number): Call | null {
  const open: Bracket[] = [];
  let before: { word: string; from: number } | null = null;
  let aggregation: Omit<Call, "argument"> | null = null;
  for (let at = 0; at < offset; at += 1) {
    const sign = text[at] ?? "";
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    if (/\s/.test(sign)) {
      continue;
    }
    if (sign === "#") {
      const end = text.indexOf("\n", at);
      at = end === -1 ? offset : end;
    } else if (sign === '"' || sign === "'" || sign === "`") {
      at = stringEnd(text, at);
      before = aggregation = null;
    } else if (word !== undefined) {
      if (GROUPING.includes(word) && before !== null) {
        aggregation = { name: before.word, from: before.from };
      } else if (!GROUPING.includes(word)) {
        aggregation = null;
      }
      before = { word, from: at };
      at += word.length - 1;
    } else if ("([{".includes(sign)) {
      const named = before !== null && !GROUPING.includes(before.word) ? before : null;
      const grouping = before !== null && GROUPING.includes(before.word);
      const called =
        sign !== "(" || grouping
          ? null
          : named !== null
            ? { name: named.word, from: named.from }
            : aggregation;
      open.push({
        sign,
        call: called === null ? null : { ...called, argument: 0 },
        grouped: grouping ? aggregation : null,
      });
      before = aggregation = null;
    } else if (")]}".includes(sign)) {
      // After `sum by (job)` the next brackets are those of the aggregation.
      aggregation = open.pop()?.grouped ?? null;
      before = null;
    } else {
      const call = open.at(-1)?.call;
      if (sign === "," && call != null) {
        call.argument += 1;
      }
      before = aggregation = null;
    }
  }
  const inner = open.at(-1);
  return inner?.sign === "(" ? inner.call : null;
}

function stringEnd(text: string, from: number): number {
  const quote = text[from];
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] === "\\" && quote !== "`") {
      at += 1;
    } else if (text[at] === quote) {
      return at;
    }
  }
  return text.length;
}
