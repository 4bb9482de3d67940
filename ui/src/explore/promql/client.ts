/** What completion asks of the server: bounded, of the view's range of time, and remembered for a while. */

import type { PrometheusClient } from "@prometheus-io/codemirror-promql";
import { EqlRegex, EqlSingle, Neq, NeqRegex } from "@prometheus-io/lezer-promql";

import {
  getLabelNames,
  getLabelValues,
  getMetadata,
  getSeries,
  type MetricMetadata,
  type SeriesScope,
} from "../../api/metrics";

type Matcher = NonNullable<Parameters<PrometheusClient["labelValues"]>[2]>[number];

/** How many names or values are offered at most. */
const MOST = 10_000;
const TIMEOUT_MS = 10_000;
const KEPT_MS = 60_000;
const KEPT = 200;
const SIGNS: Record<number, string> = {
  [EqlSingle]: "=",
  [Neq]: "!=",
  [EqlRegex]: "=~",
  [NeqRegex]: "!~",
};

export class CompletionClient implements PrometheusClient {
  #kept = new Map<string, { at: number; value: Promise<unknown> }>();

  /** `range` gives the view's range of time, in Unix milliseconds. */
  constructor(private readonly range: () => { from: number; to: number }) {}

  labelNames(metric = ""): Promise<string[]> {
    return this.#keep(["labels", metric], async (signal) => {
      const names = (await getLabelNames(this.#scope(metric), signal)).data;
      return names.filter((name) => name !== "__name__");
    });
  }

  labelValues(label: string, metric = "", matchers: Matcher[] = []): Promise<string[]> {
    const match = selector(metric, matchers, label);
    return this.#keep(
      ["values", label, match],
      async (signal) => (await getLabelValues(label, this.#scope(match), signal)).data,
    );
  }

  metricNames(): Promise<string[]> {
    return this.labelValues("__name__");
  }

  metadata(): Promise<Map<string, MetricMetadata>> {
    return this.#keep(["metadata"], (signal) => getMetadata(MOST, signal), new Map());
  }

  async metricMetadata(): Promise<Record<string, MetricMetadata[]>> {
    const found = await this.metadata();
    return Object.fromEntries([...found].map(([name, one]) => [name, [one]]));
  }

  async series(metric: string, matchers: Matcher[] = [], label?: string): Promise<Map<string, string>[]> {
    const match = selector(metric, matchers, label);
    const found = await this.#keep(
      ["series", match],
      async (signal) => (await getSeries(this.#scope(match), signal)).data,
    );
    return found.map((labels) => new Map(Object.entries(labels)));
  }

  flags(): Promise<Record<string, string>> {
    return Promise.resolve({});
  }

  #scope(match: string): SeriesScope {
    const { from, to } = this.range();
    return { match, start: Math.floor(from / 1000), end: Math.ceil(to / 1000), limit: MOST };
  }

  /** Completion goes without what cannot be had; it is asked for again the next time. */
  #keep<T>(key: string[], load: (signal: AbortSignal) => Promise<T>, none = [] as T): Promise<T> {
    const { from, to } = this.range();
    const name = JSON.stringify([...key, Math.round((to - from) / KEPT_MS), Math.round(to / KEPT_MS)]);
    const kept = this.#kept.get(name);
    if (kept !== undefined && Date.now() - kept.at < KEPT_MS) {
      return kept.value as Promise<T>;
    }
    const value = load(AbortSignal.timeout(TIMEOUT_MS)).catch(() => {
      this.#kept.delete(name);
      return none;
    });
    this.#kept.set(name, { at: Date.now(), value });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) {
        break;
      }
      this.#kept.delete(oldest);
    }
    return value;
  }
}

/** A selector of what is written already, without the label that is being completed. */
export function selector(metric: string, matchers: readonly Matcher[], label = ""): string {
  const whole = matchers.filter((one) => one.name !== label && one.value !== "" && !/["`]/.test(one.value));
  // One that all series may meet is refused.
  if (whole.length === 0 || (metric === "" && whole.every((one) => one.type !== EqlSingle))) {
    return metric;
  }
  const written = whole.map((one) => `${quotedName(one.name)}${SIGNS[one.type] ?? "="}"${one.value}"`);
  return `${metric}{${written.join(",")}}`;
}

function quotedName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}
