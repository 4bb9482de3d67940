import { untrack } from "svelte";

import type { Dashboard } from "../api/dashboards";
import { router } from "../state/router.svelte";
import { resolveRange, type TimeRange } from "../time/range";
import { dependants, settle, type Settled } from "./choices";
import { chosenInUrl, type Chosen, type Values } from "./variables";

/**
 * What is chosen of a dashboard's variables, as the URL has it; must be made while a component initialises.
 *
 * While options are asked anew the former choice stays, so that nothing flickers.
 */
export class ChosenVariables {
  settled = $state.raw<Settled[]>([]);
  /** All are settled for the first time. */
  ready = $state(false);
  pending = $state(true);

  readonly values: Values = $derived(
    new Map(this.settled.map((one): [string, Chosen] => [one.variable.name, one.chosen])),
  );
  readonly key = $derived(
    JSON.stringify([...this.values].map(([name, { values, all }]) => [name, values, all])),
  );

  #strict: ReadonlySet<string> = new Set();
  #again = $state(0);
  readonly #dashboard: () => Dashboard;

  constructor(dashboard: () => Dashboard, range: () => TimeRange) {
    this.#dashboard = dashboard;
    const wished = $derived(JSON.stringify(dashboard().variables.map((one) => this.#wish(one.name))));
    const within = $derived(JSON.stringify(range()));
    $effect(() => {
      void [wished, within, this.#again];
      const board = dashboard();
      return untrack(() => this.#settle(board, range()));
    });
  }

  /** Puts a choice into the URL; null gives back the file's own. */
  change(name: string, values: string[] | null): void {
    const query = new URLSearchParams(router.query);
    query.delete(`var-${name}`);
    for (const value of values ?? []) {
      query.append(`var-${name}`, value);
    }
    // What was chosen of those below may not be there any more.
    this.#strict = dependants(this.#dashboard().variables, name);
    const text = query.toString();
    router.go(text === "" ? router.path : `${router.path}?${text}`);
  }

  retry(): void {
    this.#again += 1;
  }

  #wish(name: string): string[] | null {
    return chosenInUrl(router.query, name);
  }

  #settle(board: Dashboard, range: TimeRange): () => void {
    const controller = new AbortController();
    this.pending = true;
    void (async () => {
      const shown = resolveRange(range, Date.now());
      const strict = this.#strict;
      try {
        const settled = await settle(board, (name) => this.#wish(name), strict, shown, controller.signal);
        if (controller.signal.aborted) {
          return;
        }
        this.#strict = new Set();
        this.settled = settled;
        this.ready = true;
        this.pending = false;
      } catch (error) {
        if (!controller.signal.aborted) {
          throw error;
        }
      }
    })();
    return () => {
      controller.abort();
    };
  }
}
