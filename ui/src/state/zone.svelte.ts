/** The time zone that times are shown and typed in: the reader's own, or UTC. */

import { recall, remember } from "./remembered";

class Zone {
  #utc = $state(recall("zone") === "utc");

  get utc(): boolean {
    return this.#utc;
  }

  set utc(chosen: boolean) {
    this.#utc = chosen;
    remember("zone", chosen ? "utc" : undefined);
  }

  /** As the time picker names it, such as "Europe/Berlin". */
  get name(): string {
    return this.#utc ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
}

export const zone = new Zone();
