/** The alerting rules and the server's status, which the header and several views share. */

import { isTrouble } from "../alerts/describe";
import { getRules } from "../api/alerts";
import { getStatus } from "../api/status";
import type { Rule } from "../api/alerts";
import type { Status } from "../api/status";
import { Poll } from "./poll.svelte";
import { REFRESH_MS } from "./refresh.svelte";

class Alerts {
  rules = $state.raw<Poll<Rule[]>>();
  status = $state.raw<Poll<Status>>();

  /** Begins to load; to be called once, while the page's root initialises. */
  start(): void {
    this.rules = new Poll(getRules, { key: () => "rules", every: () => REFRESH_MS });
    this.status = new Poll(getStatus, { key: () => "status", every: () => REFRESH_MS });
  }

  get firing(): number {
    return this.count("firing");
  }

  get pending(): number {
    return this.count("pending");
  }

  /** How many times faster than real time the observatory runs; 1 until that is known. */
  get timeFactor(): number {
    return this.status?.data?.time_factor ?? 1;
  }

  private count(state: string): number {
    return this.rules?.data?.filter((rule) => rule.state === state && isTrouble(rule)).length ?? 0;
  }
}

export const alerts = new Alerts();
