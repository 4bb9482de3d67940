/** Whether the observatory answers; while it does not, it is asked until it does again. */

const ASK_AGAIN_MS = 1000;
/** What takes longer is looked into: a process that hangs, or a network that is gone, refuses nothing. */
const SUSPICIOUS_MS = 10_000;
const HEALTH_MS = 5000;
/** A browser has about so many connections to one server; where slow queries hold them all, others wait for one. */
const CONNECTIONS = 5;
const BUSY_MS = 60_000;

/** Whether an answer may be one of what stands before the observatory, whose own health is never one of these. */
export function isGateways({ status }: Response): boolean {
  return status === 502 || status === 503 || status === 504;
}

class Connection {
  /** When the last answer came, Unix milliseconds; null while it answers. */
  lostAt = $state<number | null>(null);
  /** How often it has come back; what could not be loaded is then loaded again. */
  returns = $state(0);

  #answeredAt = Date.now();
  #asking = false;
  #unanswered = 0;

  /** To be called for each answer: that of a gateway may say that nothing is behind it, which is looked into. */
  heard(answer: Response): void {
    if (isGateways(answer)) {
      this.failed();
    } else {
      this.answered();
    }
  }

  answered(): void {
    this.#answeredAt = Date.now();
    if (this.lostAt !== null) {
      this.lostAt = null;
      this.returns += 1;
    }
  }

  /** Waits for an answer, and looks into it where none comes for long; rejects where none came. */
  async answer(asked: Promise<Response>): Promise<Response> {
    const timer = setTimeout(() => {
      this.failed();
    }, SUSPICIOUS_MS);
    this.#unanswered += 1;
    try {
      const answer = await asked;
      this.heard(answer);
      return answer;
    } finally {
      this.#unanswered -= 1;
      clearTimeout(timer);
    }
  }

  /** To be called where no answer came. One alone may be chance, so it is lost when it does not answer again. */
  failed(): void {
    if (!this.#asking) {
      this.#asking = true;
      void this.#ask();
    }
  }

  async #ask(): Promise<void> {
    for (;;) {
      try {
        const patience = this.#unanswered < CONNECTIONS ? HEALTH_MS : BUSY_MS;
        const answer = await fetch("/-/healthy", {
          cache: "no-store",
          signal: AbortSignal.timeout(patience),
        });
        if (!isGateways(answer)) {
          break;
        }
      } catch {
        // No answer is one as well.
      }
      this.lostAt ??= this.#answeredAt;
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
    this.#asking = false;
    this.answered();
  }
}

export const connection = new Connection();
