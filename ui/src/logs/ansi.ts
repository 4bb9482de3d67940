/** The colours of terminals in a text (ECMA-48, select graphic rendition), which programs leave in their lines. */

export interface Run {
  text: string;
  /** The names of what it looks like, parted by blanks: a colour, and "bold", "dim", "italic" or "underline". */
  style: string;
}

const ESCAPE = String.fromCharCode(27);
const BELL = String.fromCharCode(7);
/** Sequences that set something, of which those that end with m are about looks; titles and links; single ones. */
const SEQUENCE = new RegExp(
  `${ESCAPE}(?:\\[([0-9;:]*)[ -/]*([@-~])|\\][^${ESCAPE}${BELL}]*(?:${BELL}|${ESCAPE}\\\\)|[ -/]*[0-Z\\\\^_a-z])`,
  "g",
);
const COLORS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const WAYS: Record<number, string> = { 1: "bold", 2: "dim", 3: "italic", 4: "underline" };
const WAYS_OFF: Record<number, string[]> = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"] };

/** Cuts a text where its look changes, and leaves the sequences out. */
export function runsOf(text: string): Run[] {
  if (!text.includes(ESCAPE)) {
    return [{ text, style: "" }];
  }
  const runs: Run[] = [];
  let look: Look = { color: "", ways: [] };
  let at = 0;
  const add = (end: number): void => {
    if (end > at) {
      runs.push({ text: text.slice(at, end), style: [look.color, ...look.ways].filter(Boolean).join(" ") });
    }
  };
  for (const match of text.matchAll(SEQUENCE)) {
    add(match.index);
    at = match.index + match[0].length;
    if (match[2] === "m") {
      look = changed(look, match[1] ?? "");
    }
  }
  add(text.length);
  return runs;
}

/** Returns a text without sequences. */
export function withoutSequences(text: string): string {
  return text.includes(ESCAPE) ? text.replace(SEQUENCE, "") : text;
}

interface Look {
  color: string;
  ways: string[];
}

function changed(look: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map(Number);
  let { color, ways } = look;
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i] ?? 0;
    const way = WAYS[code];
    if (code === 0) {
      [color, ways] = ["", []];
    } else if (way !== undefined) {
      ways = [...ways.filter((one) => one !== way), way];
    } else if (WAYS_OFF[code] !== undefined) {
      ways = ways.filter((one) => !WAYS_OFF[code]?.includes(one));
    } else if (code === 38 || code === 48) {
      // One of 256 by its number, or red, green and blue: of these the first sixteen have names.
      const named = codes[i + 1] === 5 ? COLORS[(codes[i + 2] ?? 256) % 256] : undefined;
      const bright = codes[i + 1] === 5 ? COLORS[(codes[i + 2] ?? 256) - 8] : undefined;
      color = code === 38 ? (named ?? bright ?? "") : color;
      i += codes[i + 1] === 5 ? 2 : 4;
    } else if (code === 39) {
      color = "";
    } else {
      color = COLORS[code - 30] ?? COLORS[code - 90] ?? color;
    }
  }
  return { color, ways };
}
