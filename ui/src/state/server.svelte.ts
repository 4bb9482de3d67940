/** The server's status, which several views share. */

import { getStatus, type Status } from "../api/status";
import { Poll } from "./poll.svelte";
import { REFRESH_MS } from "./refresh.svelte";

class Server {
  status = $state.raw<Poll<Status>>();

  /** Begins to load; to be called once, while the page's root initialises. */
  start(): void {
    this.status = new Poll(getStatus, { key: () => "status", every: () => REFRESH_MS, steady: true });
  }

  /** How many times faster than real time the observatory runs; 1 until that is known. */
  get timeFactor(): number {
    return this.status?.data?.time_factor ?? 1;
  }
}

export const server = new Server();
