/** Which of many things a few typed letters mean: by words, by initials, by parts of words, the likeliest first. */

export interface Candidate {
  title: string;
  /** Other words by which it is found, which count for less. */
  about?: string;
}

export interface Match<T> {
  item: T;
  score: number;
  /** The parts of the title that were meant: begin and end, in order, apart from each other. */
  marks: [number, number][];
}

const WHOLE_WORD = 120;
const WORD = 100;
const INITIALS = 70;
const PART = 50;
const SCATTERED = 15;
const ABOUT = 0.5;

/**
 * Returns what fits every word of the query, the best first; what fits alike stays in the given order.
 *
 * An empty query fits everything.
 */
export function rank<T extends Candidate>(query: string, items: readonly T[]): Match<T>[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return items
    .flatMap((item) => {
      const found = fit(words, item);
      return found === null ? [] : [{ item, ...found }];
    })
    .sort((a, b) => b.score - a.score);
}

function fit(words: string[], { title, about = "" }: Candidate): Omit<Match<unknown>, "item"> | null {
  let score = 0;
  const marks: [number, number][] = [];
  for (const word of words) {
    const inTitle = fitWord(word, title);
    const inAbout = inTitle !== null && inTitle.score >= PART ? null : fitWord(word, about);
    const aboutScore = inAbout === null || inAbout.score <= SCATTERED ? 0 : inAbout.score * ABOUT;
    if (inTitle !== null && inTitle.score >= aboutScore) {
      score += inTitle.score;
      marks.push(...inTitle.marks);
    } else if (aboutScore > 0) {
      score += aboutScore;
    } else {
      return null;
    }
  }
  if (words.length === 0) {
    return { score, marks };
  }
  // Of what fits alike the shorter is nearer to what was typed.
  return { score: score / words.length - Math.min(title.length, 100) / 50, marks: merged(marks) };
}

function fitWord(word: string, text: string): Omit<Match<unknown>, "item"> | null {
  const lower = text.toLowerCase();
  // Whatever fits has the letters in this order: of thousands of names most are done with here.
  if (!hasInOrder(lower, word)) {
    return null;
  }
  const starts = wordStarts(text);
  for (const start of starts) {
    if (lower.startsWith(word, start)) {
      const whole = !/[\p{L}\p{N}]/u.test(lower[start + word.length] ?? "");
      const early = start === 0 ? 5 : 0;
      return { score: (whole ? WHOLE_WORD : WORD) + early, marks: [[start, start + word.length]] };
    }
  }
  const initials = word.length < 2 ? null : fitInitials(word, lower, starts);
  if (initials !== null) {
    return { score: INITIALS, marks: initials };
  }
  const inside = lower.indexOf(word);
  if (inside !== -1 && word.length > 1) {
    return { score: PART, marks: [[inside, inside + word.length]] };
  }
  return word.length < 3 ? null : fitScattered(word, lower, starts);
}

function hasInOrder(lower: string, word: string): boolean {
  let at = -1;
  for (const letter of word) {
    at = lower.indexOf(letter, at + 1);
    if (at === -1) {
      return false;
    }
  }
  return true;
}

/** Where words begin: after what is no letter or digit, at a capital after a small letter, at a digit after letters. */
export function wordStarts(text: string): number[] {
  if (/[^ -~]/.test(text)) {
    return [...text.matchAll(/(?<![\p{L}\p{N}])[\p{L}\p{N}]|(?<=\p{Ll})\p{Lu}|(?<=\p{L})\p{N}/gu)].map(
      (match) => match.index,
    );
  }
  // The same for names of metrics and the like, many times as fast.
  const starts: number[] = [];
  let before: number = Kind.Sign;
  for (let i = 0; i < text.length; i += 1) {
    const kind = kindOf(text.charCodeAt(i));
    if (
      kind !== Kind.Sign &&
      kind !== before &&
      (before === Kind.Sign || (kind === Kind.Capital ? before === Kind.Small : kind === Kind.Digit))
    ) {
      starts.push(i);
    }
    before = kind;
  }
  return starts;
}

const Kind = { Sign: 0, Small: 1, Capital: 2, Digit: 3 } as const;

function kindOf(code: number): number {
  if (code >= 97 && code <= 122) {
    return Kind.Small;
  }
  if (code >= 65 && code <= 90) {
    return Kind.Capital;
  }
  return code >= 48 && code <= 57 ? Kind.Digit : Kind.Sign;
}

/** The letters of the word are the first ones of successive words; some words may be passed over. */
function fitInitials(word: string, lower: string, starts: number[]): [number, number][] | null {
  const marks: [number, number][] = [];
  let at = 0;
  for (const start of starts) {
    if (at < word.length && lower[start] === word[at]) {
      marks.push([start, start + 1]);
      at += 1;
    }
  }
  return at === word.length ? marks : null;
}

/** The letters come in this order, the first at the beginning of a word, and not too far apart. */
function fitScattered(word: string, lower: string, starts: number[]): Omit<Match<unknown>, "item"> | null {
  for (const start of starts) {
    if (lower[start] !== word[0]) {
      continue;
    }
    const marks: [number, number][] = [];
    let from = start;
    for (const letter of word) {
      const index = lower.indexOf(letter, from);
      if (index === -1) {
        break;
      }
      marks.push([index, index + 1]);
      from = index + 1;
    }
    const spread = from - start;
    if (marks.length === word.length && spread <= word.length * 2) {
      return { score: SCATTERED - spread / word.length, marks };
    }
  }
  return null;
}

function merged(marks: [number, number][]): [number, number][] {
  const sorted = [...marks].sort(([a], [b]) => a - b);
  const result: [number, number][] = [];
  for (const [begin, end] of sorted) {
    const last = result.at(-1);
    if (last !== undefined && begin <= last[1]) {
      last[1] = Math.max(last[1], end);
    } else {
      result.push([begin, end]);
    }
  }
  return result;
}

/** Cuts a title at its marks, for it to be shown. */
export function cut(title: string, marks: [number, number][]): { text: string; marked: boolean }[] {
  const parts: { text: string; marked: boolean }[] = [];
  let at = 0;
  for (const [begin, end] of marks) {
    parts.push(
      { text: title.slice(at, begin), marked: false },
      { text: title.slice(begin, end), marked: true },
    );
    at = end;
  }
  parts.push({ text: title.slice(at), marked: false });
  return parts.filter(({ text }) => text !== "");
}
