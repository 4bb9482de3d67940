import { untrack } from "svelte";

import { connection } from "./connection.svelte";
import { refresh } from "./refresh.svelte";

export interface PollOptions {
  /** What the load depends on: a change of the text ends the present load and begins another. */
  key: () => string;
  /** Milliseconds between the end of one load and the next, where the reader chose no other; null loads once. */
  every?: () => number | null;
  /** Goes on at its own pace whatever the reader chose, for what is always there to be seen. */
  steady?: boolean;
  /** Whether to load at all now, such as while it is in view; always where it is not given. */
  when?: () => boolean;
}

/**
 * Loads something now and again; must be made while a component initialises, and ends with it.
 *
 * The last data stays while the next is under way, and where the next fails, so that nothing flickers. One load
 * is under way at a time: a slow server is asked less often. While refreshing is paused or the page is hidden,
 * nothing is asked, except for a first load and where the reader asks for it. What failed is loaded again when the observatory has come back.
 */
export class Poll<T> {
  data = $state.raw<T>();
  error = $state.raw<Error>();
  /** No load has ended yet for the present key. */
  pending = $state(true);
  /** When `data` was loaded, Unix milliseconds. */
  loadedAt = $state(0);

  #again = $state(0);
  #loadedKey: string | null = null;
  #endedAt = 0;
  #asked = refresh.asked;

  constructor(load: (signal: AbortSignal) => Promise<T>, options: PollOptions) {
    $effect(() => {
      const key = options.key();
      const own = options.every?.() ?? null;
      const every = options.steady === true ? own : refresh.every(own);
      const active = options.steady === true ? !refresh.hidden : refresh.active;
      const again = this.#again;
      const asked = options.steady === true ? this.#asked : refresh.asked;
      void connection.returns;
      if (options.when?.() === false) {
        return;
      }
      return untrack(() => {
        const now = asked !== this.#asked;
        this.#asked = asked;
        return this.#start(load, `${key}\n${String(again)}`, active ? every : null, now);
      });
    });
  }

  retry(): void {
    this.#again += 1;
  }

  #start(
    load: (signal: AbortSignal) => Promise<T>,
    key: string,
    every: number | null,
    now: boolean,
  ): () => void {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async (): Promise<void> => {
      try {
        const data = await load(controller.signal);
        if (controller.signal.aborted) {
          return;
        }
        this.data = data;
        this.error = undefined;
        this.loadedAt = Date.now();
      } catch (error) {
        if (controller.signal.aborted) {
          return;
        }
        this.error = error instanceof Error ? error : new Error(String(error));
      }
      this.#loadedKey = key;
      this.#endedAt = Date.now();
      this.pending = false;
      if (every !== null) {
        timer = setTimeout(() => void run(), every);
      }
    };
    if (key !== this.#loadedKey) {
      this.pending = true;
    }
    if (now || key !== this.#loadedKey || this.error !== undefined) {
      void run();
    } else if (every !== null) {
      // What was loaded a moment ago is loaded again when its time has come.
      timer = setTimeout(() => void run(), Math.max(0, every - (Date.now() - this.#endedAt)));
    }
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }
}
