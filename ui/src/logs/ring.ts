/** The newest lines of those that arrive, the newest first, and those that wait while the list is held. */

import type { LogRecord } from "../api/logs";
import { arrivedAfter, inOrder } from "./order";

export class Ring {
  /** What is shown. */
  lines: readonly LogRecord[] = [];
  /** Arrived while the list was held; of these, so many were let go again. */
  waiting = 0;
  dropped = 0;
  received = 0;
  /** The id of the line that arrived last; "" where none has. */
  latest = "";

  #held = false;
  #arrived: LogRecord[] = [];
  #known = new Set<string>();

  constructor(readonly size: number) {}

  /** Takes lines in the order in which they arrived; they are shown by the next `flush`. */
  push(lines: readonly LogRecord[]): void {
    const fresh = this.#fresh(lines);
    this.received += fresh.length;
    this.#add(fresh);
  }

  /** Puts lines in that were there before, the newest first, as a search gives them; they count as none that arrived. */
  seed(lines: readonly LogRecord[]): void {
    this.lines = inOrder([...this.lines, ...this.#fresh(lines)]).slice(0, this.size);
  }

  get held(): boolean {
    return this.#held;
  }

  /** Holds the list, or shows what arrived meanwhile. */
  hold(held: boolean): void {
    if (this.#held !== held) {
      this.waiting = held ? this.#arrived.length : 0;
      this.dropped = 0;
    }
    this.#held = held;
  }

  /** Shows what arrived; returns whether there was something to show. */
  flush(): boolean {
    if (this.#held || this.#arrived.length === 0) {
      return false;
    }
    const lines = [...this.#arrived.reverse(), ...this.lines];
    this.#arrived = [];
    // What was late stands where its time is. Little is out of order, so that sorting costs little.
    this.lines = inOrder(lines).slice(0, this.size);
    return true;
  }

  #fresh(lines: readonly LogRecord[]): LogRecord[] {
    if (this.#known.size > 4 * this.size) {
      this.#known = new Set([...this.lines, ...this.#arrived].map((line) => line.id));
    }
    return lines.filter((line) => {
      const fresh = !this.#known.has(line.id);
      this.#known.add(line.id);
      if (fresh && arrivedAfter(line.id, this.latest)) {
        this.latest = line.id;
      }
      return fresh;
    });
  }

  #add(lines: LogRecord[]): void {
    this.#arrived.push(...lines);
    this.waiting += this.#held ? lines.length : 0;
    const over = this.#arrived.length - this.size;
    if (over > 0) {
      this.#arrived.splice(0, over);
      this.dropped += this.#held ? over : 0;
    }
  }
}
