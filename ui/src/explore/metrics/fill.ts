/** The lengths of time that Grafana fills in to a query, by its names for them: `rate(x[$__rate_interval])`. */

import { rateWindow, type Steps } from "../../time/range";

/** A query as it is asked, and where its places are in the text that was written. */
export interface Filled {
  text: string;
  place: (offset: number) => number;
}

const NAME = /\$(?:__(\w+)|\{__(\w+)\})/g;
/** As Grafana takes it, where nothing else is said. */
const SCRAPE_SECONDS = 15;

export function hasNames(expr: string): boolean {
  return expr.search(NAME) !== -1;
}

/** Fills in a query; a name that is none of these stays, and the server tells so. */
export function fillIn(expr: string, steps: Steps, range: { from: number; to: number }): Filled {
  const lengths = lengthsOf(steps.step, (range.to - range.from) / 1000);
  const pieces: { from: number; to: number; at: number; end: number }[] = [];
  let text = "";
  let done = 0;
  for (const match of expr.matchAll(NAME)) {
    const length = lengths[match[1] ?? match[2] ?? ""];
    if (length !== undefined) {
      text += expr.slice(done, match.index);
      done = match.index + match[0].length;
      pieces.push({ from: match.index, to: done, at: text.length, end: text.length + length.length });
      text += length;
    }
  }
  text += expr.slice(done);
  return {
    text,
    place: (offset) => {
      const piece = pieces.findLast(({ at }) => at < offset);
      return piece === undefined ? offset : piece.to + Math.max(0, offset - piece.end);
    },
  };
}

function lengthsOf(step: number, width: number): Partial<Record<string, string>> {
  const rate = rateWindow(step, SCRAPE_SECONDS);
  const ms = (seconds: number): string => String(Math.round(seconds * 1000));
  return {
    interval: duration(step),
    interval_ms: ms(step),
    rate_interval: duration(rate),
    rate_interval_ms: ms(rate),
    range: duration(width),
    range_s: String(Math.round(width)),
    range_ms: ms(width),
  };
}

function duration(seconds: number): string {
  return Number.isInteger(seconds)
    ? `${String(seconds)}s`
    : `${String(Math.max(1, Math.round(seconds * 1000)))}ms`;
}
