/** The present, to the second, for the ages of things; stands still while the page is hidden. */

import { refresh } from "./refresh.svelte";

class Now {
  ms = $state(Date.now());

  constructor() {
    setInterval(() => {
      if (!refresh.hidden) {
        this.ms = Date.now();
      }
    }, 1000);
  }
}

export const now = new Now();
