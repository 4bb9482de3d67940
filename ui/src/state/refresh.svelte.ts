/** Whether and how often views refresh by themselves: not while the reader paused them or the page is hidden. */

import { parseSpan } from "../time/range";
import { router } from "./router.svelte";

/** What the reader can choose, as it stands in the URL; "" is as often as each view does by itself. */
export const INTERVALS = ["", "off", "5s", "10s", "30s", "1m", "5m"] as const;

class Refresh {
  paused = $state(false);
  hidden = $state(document.hidden);
  /** How often the reader has asked for what is new, whatever was chosen. */
  asked = $state(0);

  constructor() {
    document.addEventListener("visibilitychange", () => {
      this.hidden = document.hidden;
    });
  }

  /** Has what is shown loaded again now, also of a range that has ended. */
  now(): void {
    this.asked += 1;
  }

  get active(): boolean {
    return !this.paused && !this.hidden;
  }

  /** What the URL says; "" where it says nothing, or nothing that makes sense. */
  get interval(): string {
    const text = router.param("refresh");
    return INTERVALS.find((one) => one === text) ?? "";
  }

  /** Returns milliseconds between two loads of what by itself refreshes that often; null for never. */
  every(own: number | null): number | null {
    const { interval } = this;
    return own === null || interval === "" ? own : parseSpan(interval);
  }
}

export const refresh = new Refresh();

export const REFRESH_MS = 3000;
