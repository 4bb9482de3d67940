import { untrack } from "svelte";

import { refresh } from "./refresh.svelte";

export interface PollOptions {
  /** What the load depends on: a change of the text ends the present load and begins another. */
  key: () => string;
  /** Milliseconds between the end of one load and the next; null loads once. */
  every?: () => number | null;
}

/**
 * Loads something now and again; must be made while a component initialises, and ends with it.
 *
 * The last data stays while the next is under way, and where the next fails, so that nothing flickers. One load
 * is under way at a time: a slow server is asked less often. While refreshing is paused or the page is hidden,
 * nothing is asked, except for a first load.
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

  constructor(load: (signal: AbortSignal) => Promise<T>, options: PollOptions) {
    $effect(() => {
      const key = options.key();
      const every = options.every?.() ?? null;
      const active = refresh.active;
      const again = this.#again;
      return untrack(() =>
        this.#start(load, `${key}\n${String(again)}`, active ? every : null, every !== null),
      );
    });
  }

  retry(): void {
    this.#again += 1;
  }

  #start(load: (signal: AbortSignal) => Promise<T>, key: string, every: number | null, repeats: boolean) {
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
      this.pending = false;
      if (every !== null) {
        timer = setTimeout(() => void run(), every);
      }
    };
    if (key !== this.#loadedKey) {
      this.pending = true;
    }
    if (key !== this.#loadedKey || (repeats && every !== null)) {
      void run();
    }
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }
}
