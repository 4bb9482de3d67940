/** Lines as they arrive: followed anew where the answer ends, shown at most once a frame. */

import { untrack } from "svelte";

import { ApiError, type Params } from "../api/http";
import { followLogs, searchLogPage, type LogRecord } from "../api/logs";
import { connection } from "../state/connection.svelte";
import { Ring } from "./ring";

/** Lines that are kept. */
export const KEPT = 5_000;
const SEEDED = 200;
const SEED_MS = 3_600_000;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

export type TailState = "connecting" | "following" | "waiting";

/** Follows lines as long as there is something asked; must be made while a component initialises, and ends with it. */
export class Tail {
  lines = $state.raw<LogRecord[]>([]);
  received = $state(0);
  /** Arrived while the list was held, and how many of these were let go again. */
  waiting = $state(0);
  dropped = $state(0);
  /** Left out by the observatory, since they were not read soon enough. */
  missed = $state(0);
  state = $state<TailState>("connecting");
  problem = $state("");
  /** When it is tried again, Unix milliseconds. */
  nextTry = $state(0);
  /** How often the answer ended and was asked for anew; what arrived between is then fetched. */
  breaks = $state(0);
  /** What of that could not be shown; "" where it is all there. */
  lost = $state("");

  #ring = new Ring(KEPT);
  #frame = 0;
  #again: (() => void) | null = null;

  /** `asked` gives what lines must meet, null to follow none. */
  constructor(asked: () => Params | null, held: () => boolean) {
    // By its text: what else changes in the address must not end the answer.
    const key = $derived(JSON.stringify(asked()));
    $effect(() => {
      const params = JSON.parse(key) as Params | null;
      if (params === null) {
        return;
      }
      const controller = new AbortController();
      untrack(() => {
        this.#begin();
        void this.#follow(params, controller.signal);
      });
      return () => {
        controller.abort();
        cancelAnimationFrame(this.#frame);
        this.#frame = 0;
      };
    });
    $effect(() => {
      if (connection.returns > 0) {
        untrack(() => {
          this.retry();
        });
      }
    });
    $effect(() => {
      const now = held();
      untrack(() => {
        this.#ring.hold(now);
        this.#schedule();
      });
    });
  }

  /** Tries again at once. */
  retry(): void {
    this.#again?.();
  }

  #begin(): void {
    const { held } = this.#ring;
    this.#ring = new Ring(KEPT);
    this.#ring.hold(held);
    this.lines = [];
    this.missed = this.breaks = 0;
    this.problem = this.lost = "";
    this.#show();
  }

  async #follow(params: Params, signal: AbortSignal): Promise<void> {
    let wait = FIRST_WAIT_MS;
    let endedAt: number | null = null;
    for (;;) {
      let opened = false;
      this.state = "connecting";
      try {
        await followLogs(
          params,
          {
            onopen: () => {
              opened = true;
              this.state = "following";
              this.problem = "";
              wait = FIRST_WAIT_MS;
              if (endedAt !== null) {
                this.breaks += 1;
              }
              void this.#fetch(params, endedAt, signal);
              endedAt = null;
            },
            onlines: (lines) => {
              this.#ring.push(lines);
              this.#schedule();
            },
            onmissed: (lines) => {
              this.missed += lines;
            },
          },
          signal,
        );
        this.problem = "The observatory ended the answer.";
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.problem = error instanceof Error ? error.message : String(error);
        if (error instanceof ApiError && error.status === 400) {
          // What is wrong with the query does not change by asking again.
          this.state = "waiting";
          this.nextTry = 0;
          return;
        }
      }
      endedAt = opened ? Date.now() : endedAt;
      this.state = "waiting";
      this.nextTry = Date.now() + wait;
      await this.#pause(wait, signal);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      if (signal.aborted) {
        return;
      }
    }
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#again = null;
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.#again = end;
      signal.addEventListener("abort", end, { once: true });
    });
  }

  /**
   * Fetches what arrived before the answer began: after a break what came behind the last line that was seen, and at
   * first the newest lines, so that the list does not begin empty.
   */
  async #fetch(params: Params, endedAt: number | null, signal: AbortSignal): Promise<void> {
    const { latest } = this.#ring;
    const asked = {
      ...params,
      arrived_after: latest,
      start_ms: (endedAt ?? Date.now()) - SEED_MS,
      limit: endedAt === null ? SEEDED : KEPT,
    };
    try {
      const page = await searchLogPage(asked, signal);
      if (latest === "") {
        this.#ring.seed(page.logs);
        this.#show();
      } else {
        this.#ring.push(page.logs.toReversed());
        this.#schedule();
      }
      const whole = endedAt === null || page.next === null;
      this.lost = whole ? "" : `of the lines between only the newest ${String(page.logs.length)} are here`;
    } catch (error) {
      if (!signal.aborted && endedAt !== null) {
        const why = error instanceof Error ? error.message : String(error);
        this.lost = `the lines between could not be read: ${why}`;
      }
    }
  }

  #schedule(): void {
    if (this.#frame === 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#ring.flush();
        this.#show();
      });
    }
  }

  #show(): void {
    this.lines = this.#ring.lines as LogRecord[];
    this.received = this.#ring.received;
    this.waiting = this.#ring.waiting;
    this.dropped = this.#ring.dropped;
  }
}
