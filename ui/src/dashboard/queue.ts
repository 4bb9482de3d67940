/** Lets some loads run at once, so that a large dashboard does not take all of the server's time at one moment. */

export class Queue {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param most how many run at once. */
  constructor(readonly most: number) {}

  /** Runs a load when its turn comes; one that was given up before is not begun. */
  async run<T>(load: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#running >= this.most) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    } else {
      this.#running += 1;
    }
    try {
      signal.throwIfAborted();
      return await load();
    } finally {
      // The place goes to the next in the line, or is free again.
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#running -= 1;
      } else {
        next();
      }
    }
  }
}

/** Of the panels of a page: as many as a browser keeps connections to one server. */
export const panelQueue = new Queue(6);
