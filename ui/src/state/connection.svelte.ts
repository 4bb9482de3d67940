/** Whether the observatory answers; while it does not, it is asked until it does again. */

const ASK_AGAIN_MS = 1000;

class Connection {
  /** When the last answer came, Unix milliseconds; null while it answers. */
  lostAt = $state<number | null>(null);
  /** How often it has come back; what could not be loaded is then loaded again. */
  returns = $state(0);

  #answeredAt = Date.now();
  #asking = false;

  /** To be called for each answer, whatever it says. */
  answered(): void {
    this.#answeredAt = Date.now();
    if (this.lostAt !== null) {
      this.lostAt = null;
      this.returns += 1;
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
        await fetch("/-/healthy", { cache: "no-store" });
        break;
      } catch {
        this.lostAt ??= this.#answeredAt;
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
    this.#asking = false;
    this.answered();
  }
}

export const connection = new Connection();
