/** Whether the observatory serves another page than this one, as it does after an upgrade. */

import { server } from "./server.svelte";

class Update {
  /** Another page than this one is served. */
  available = $state(false);

  #started: number | undefined;

  /** Asks when the observatory was started anew; to be called once, while the page's root initialises. */
  watch(): void {
    $effect(() => {
      const started = server.status?.data?.started_ms;
      if (started !== undefined && this.#started !== undefined && Math.abs(started - this.#started) > 1) {
        void this.check();
      }
      this.#started = started ?? this.#started;
    });
  }

  /** Asks now, and returns `available`. The page names the files that it loads by their content. */
  async check(): Promise<boolean> {
    const own = document.querySelector<HTMLScriptElement>("head script[type=module]")?.getAttribute("src");
    try {
      const answer = await fetch("/", { cache: "no-store", headers: { Accept: "text/html" } });
      const served = new DOMParser().parseFromString(await answer.text(), "text/html");
      const theirs = served.querySelector("head script[type=module]")?.getAttribute("src");
      this.available = answer.ok && own != null && theirs != null && theirs !== own;
    } catch {
      // It does not answer: that is told elsewhere.
    }
    return this.available;
  }
}

export const update = new Update();
