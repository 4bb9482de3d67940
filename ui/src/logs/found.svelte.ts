/** What a search finds: its newest lines, loaded again and again while nobody reads, and older ones behind them. */

import type { Params } from "../api/http";
import { type LogPage, type LogRecord, searchLogPage } from "../api/logs";
import { Poll } from "../state/poll.svelte";
import { REFRESH_MS } from "../state/refresh.svelte";

const PAGE = 300;

/** The first page, with what was asked for it. */
interface First extends LogPage {
  key: string;
  asked: Params;
  tookMs: number;
}

interface Older extends LogPage {
  of: First;
}

/** Lines as they were left, to be shown again to who comes back. */
export interface Kept {
  first: First;
  older: Older | null;
}

export interface FoundOptions {
  /** What the search depends on. */
  key: () => string;
  /** Whether lines are looked for at all, and whether again and again. */
  when: () => boolean;
  refreshing: () => boolean;
  /** Whether someone reads, so that nothing may move. */
  still: () => boolean;
}

/** Must be made while a component initialises, and ends with it. */
export class Found {
  #poll: Poll<First>;
  /** Shown in place of what a new search would find, as long as someone reads it. */
  #kept: Kept | null;
  #older: Older | null;
  #asking: { of: First; error: Error | null } | null = $state.raw(null);
  #controller = new AbortController();

  constructor(asked: () => Params, { key, when, refreshing, still }: FoundOptions, kept: Kept | null) {
    this.#kept = $state.raw(kept);
    this.#older = $state.raw(kept?.older ?? null);
    this.#poll = new Poll(
      async (signal) => {
        const began = performance.now();
        const params = asked();
        const page = await searchLogPage({ ...params, limit: PAGE }, signal);
        this.#kept = null;
        return { ...page, key: key(), asked: params, tookMs: performance.now() - began };
      },
      {
        key,
        every: () => (refreshing() && !still() ? REFRESH_MS : null),
        when: () => when() && (this.#kept?.first.key !== key() || !still()),
      },
    );
    $effect(() => () => {
      this.#controller.abort();
    });
  }

  /** The first page; undefined until there is one. */
  get first(): First | undefined {
    return this.#kept?.first ?? this.#poll.data;
  }

  get error(): Error | undefined {
    return this.#poll.error;
  }

  get pending(): boolean {
    return this.#poll.pending;
  }

  /** The newest first. */
  get lines(): LogRecord[] {
    const { first } = this;
    const older = this.#behind?.logs ?? [];
    return first === undefined ? [] : older.length === 0 ? first.logs : [...first.logs, ...older];
  }

  /** Whether there are older lines still. */
  get more(): boolean {
    return this.#next !== null;
  }

  /** Whether older lines were loaded behind the first page, which then stays as it is. */
  get extended(): boolean {
    return this.#behind !== null;
  }

  get loadingOlder(): boolean {
    return this.#asking?.of === this.first && this.#asking?.error === null;
  }

  get olderError(): Error | null {
    return this.#asking?.of === this.first ? (this.#asking?.error ?? null) : null;
  }

  /** What is shown, to be kept while the reader is elsewhere. */
  get kept(): Kept | null {
    const { first } = this;
    return first === undefined ? null : { first, older: this.#behind };
  }

  get #behind(): Older | null {
    return this.#older?.of === this.first ? this.#older : null;
  }

  get #next(): string | null {
    return this.#behind === null ? (this.first?.next ?? null) : this.#behind.next;
  }

  retry(): void {
    this.#poll.retry();
  }

  /** Lets older lines go. */
  forgetOlder(): void {
    this.#older = null;
  }

  async loadOlder(): Promise<void> {
    const { first } = this;
    const before = this.#next;
    if (first === undefined || before === null || this.loadingOlder) {
      return;
    }
    this.#controller.abort();
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#asking = { of: first, error: null };
    try {
      const page = await searchLogPage({ ...first.asked, limit: PAGE, before }, signal);
      if (this.first === first) {
        this.#older = { of: first, logs: [...(this.#behind?.logs ?? []), ...page.logs], next: page.next };
      }
      this.#asking = null;
    } catch (error) {
      if (!signal.aborted) {
        this.#asking = { of: first, error: error instanceof Error ? error : new Error(String(error)) };
      }
    }
  }
}
