/** The ranges that the reader chose lately, the newest first. */

import { recallStrings, remember } from "../state/remembered";
import { parseRange, rangeParams, type TimeRange } from "./range";

const MOST = 6;

class RecentRanges {
  #written = $state.raw(recallStrings("ranges"));

  get all(): TimeRange[] {
    return this.#written.map((text) => parseRange(new URLSearchParams(text), 0)).filter(isWhole);
  }

  /** Relative ranges are offered anyway, so only absolute ones are kept. */
  add(range: TimeRange): void {
    if (range.kind === "last") {
      return;
    }
    const params = Object.entries(rangeParams(range)).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]],
    );
    const written = new URLSearchParams(params).toString();
    this.#written = [written, ...this.#written.filter((one) => one !== written)].slice(0, MOST);
    remember("ranges", this.#written);
  }
}

/** What was kept may have been written by another version of this page. */
function isWhole(range: TimeRange): boolean {
  return range.kind === "between";
}

export const recentRanges = new RecentRanges();
