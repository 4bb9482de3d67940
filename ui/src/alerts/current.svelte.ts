/** What the alerting rules say now, which the header and several views share. */

import { isHeard, isTrouble } from "./describe";
import { getAlerting } from "../api/alerts";
import type { Alerting, AlertState, Rule } from "../api/alerts";
import { Poll } from "../state/poll.svelte";
import { REFRESH_MS } from "../state/refresh.svelte";

class Alerts {
  now = $state.raw<Poll<Alerting>>();

  /** Begins to load; to be called once, while the page's root initialises. */
  start(): void {
    this.now = new Poll(getAlerting, { key: () => "alerts", every: () => REFRESH_MS, steady: true });
  }

  /** The rules alone, for those who need no more. */
  get rules(): { data: Rule[] | undefined; error: Error | undefined; loadedAt: number } | undefined {
    const { now } = this;
    return now && { data: now.data?.rules, error: now.error, loadedAt: now.loadedAt };
  }

  /** Alerts, by their names, that fire and are neither silenced nor inhibited: of these somebody is told. */
  get firing(): number {
    const others = this.now?.data?.others.filter((one) => isHeard(one) && one.labels["severity"] !== "none");
    const names = new Set(others?.map((one) => one.labels["alertname"] ?? one.fingerprint));
    return names.size + this.heard;
  }

  private get heard(): number {
    return this.count((rule) => rule.alerts.some((one) => one.state === "firing" && isHeard(one)));
  }

  /** Those that fire unheard, since a silence or another alert keeps them quiet. */
  get quiet(): number {
    return this.count((rule) => this.has(rule, "firing")) - this.heard;
  }

  get pending(): number {
    return this.count((rule) => this.has(rule, "pending") && !this.has(rule, "firing"));
  }

  private has(rule: Rule, state: AlertState): boolean {
    return rule.alerts.some((one) => one.state === state);
  }

  private count(wanted: (rule: Rule) => boolean): number {
    return this.rules?.data?.filter((rule) => isTrouble(rule) && wanted(rule)).length ?? 0;
  }
}

export const alerts = new Alerts();
