/** What has come in so far, by signal: what a reader waits for who has just begun to send. */

import { OWN, get } from "../api/http";
import { getTargets, type QueryData } from "../api/metrics";
import { getStatus } from "../api/status";
import { traceHref } from "../links/trace";
import { rangeAround } from "../time/range";

export type Signal = "spans" | "lines" | "samples";
export const SIGNALS: readonly Signal[] = ["spans", "lines", "samples"];

/** The newest of a signal that has come in. */
export interface Arrival {
  /** Of which service or job. */
  from: string;
  /** Where to look at it. */
  href: string;
  /** Unix milliseconds; null where that is not known. */
  atMs: number | null;
}

export interface Arrivals extends Record<Signal, Arrival | null> {
  /** Accepted since the observatory was started. */
  counts: { spans: number; lines: number };
}

const HOUR_MS = 3_600_000;
/** Clocks differ by so much. */
const AHEAD_MS = 2_000;

/** The jobs by which the observatory watches itself, the machine and Ollama: nobody has sent these. */
const OWN_JOBS = ["observatory", "node-exporter", "ollama"];
/** What others have sent or serve: neither what scraping adds itself nor what rules make of it. */
export const OTHERS = `{__name__=~".+", __name__!~"up|scrape_.+|ALERTS.*|.*:.*", job!~"${OWN_JOBS.join("|")}"}`;

/** Looks what there is; what was found before is looked for again only where its counter has moved. */
export async function lookForArrivals(before: Arrivals | undefined, signal: AbortSignal): Promise<Arrivals> {
  const { storage } = await getStatus(signal);
  const counts = { spans: counter(storage, "spans_accepted"), lines: counter(storage, "logs_accepted") };
  const still = (one: "spans" | "lines"): Arrival | null =>
    before !== undefined && before.counts[one] === counts[one] ? before[one] : null;
  const [spans, lines, samples] = await Promise.all([
    still("spans") ?? newestTrace(signal),
    still("lines") ?? newestLine(signal),
    before?.samples ?? someSamples(signal),
  ]);
  return { counts, spans, lines, samples };
}

function counter(storage: Record<string, unknown>, name: string): number {
  const value = storage[name];
  return typeof value === "number" ? value : 0;
}

async function newestTrace(signal: AbortSignal): Promise<Arrival | null> {
  const { traces } = await get<{
    traces: { trace_id: string; root_service: string; services: string[]; start_ms: number }[];
  }>(`${OWN}/traces`, { limit: 1 }, signal);
  const trace = traces[0];
  return trace === undefined
    ? null
    : {
        from: trace.root_service || (trace.services[0] ?? "an unnamed service"),
        href: traceHref(trace.trace_id),
        atMs: trace.start_ms,
      };
}

async function newestLine(signal: AbortSignal): Promise<Arrival | null> {
  const { logs } = await get<{ logs: { service: string; time_ms: number }[] }>(
    `${OWN}/logs`,
    { limit: 1 },
    signal,
  );
  const line = logs[0];
  return line === undefined
    ? null
    : {
        from: line.service || "an unnamed service",
        href: `/logs?${new URLSearchParams({ service: line.service, ...around(line.time_ms) }).toString()}`,
        atMs: line.time_ms,
      };
}

/** The range that has a line which the last hour, that is shown else, may not have: an old one, or one from ahead of time. */
function around(ms: number): { from?: string; to?: string } {
  const age = Date.now() - ms;
  return age > -AHEAD_MS && age < HOUR_MS / 2 ? {} : rangeAround(ms, ms, HOUR_MS / 2);
}

/** A target that answers, or samples of a job that was not scraped. */
async function someSamples(signal: AbortSignal): Promise<Arrival | null> {
  const scraped = (await getTargets(signal)).find(
    (target) => target.health === "up" && !OWN_JOBS.includes(target.scrapePool),
  );
  const job = scraped?.labels["job"] ?? (await pushedJob(signal));
  if (job === undefined) {
    return null;
  }
  const selector = job === "" ? OTHERS : `{job=${JSON.stringify(job)}}`;
  return {
    from: job === "" ? "an unnamed job" : job,
    href: `/explore?expr=${encodeURIComponent(selector)}`,
    atMs: null,
  };
}

/** Returns the job of some samples of the last hour; "" where they name none. */
async function pushedJob(signal: AbortSignal): Promise<string | undefined> {
  const query = `count by (job) (last_over_time(${OTHERS}[1h]))`;
  const { data } = await get<{ data: QueryData }>("/api/v1/query", { query }, signal);
  const [first] = data.resultType === "vector" ? data.result : [];
  return first === undefined ? undefined : (first.metric["job"] ?? "");
}
