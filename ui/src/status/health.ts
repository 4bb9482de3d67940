/** What the observatory measures of itself, as small graphs. */

export interface HealthGraph {
  title: string;
  /** A unit by Grafana's names. */
  unit: string;
  /** What it is called by each query; a query's series that have a label of that name are told apart by it. */
  lines: { name: string; query: string; by?: string }[];
  meaning: string;
}

const OWN = 'job="observatory"';
const observatory = (metric: string): string => `accelerapp_observatory_${metric}{${OWN}}`;
const rate = (metric: string): string => `rate(${metric}[1m])`;

export const GRAPHS: HealthGraph[] = [
  {
    title: "Processor",
    unit: "percentunit",
    lines: [{ name: "used", query: rate(`process_cpu_seconds_total{${OWN}}`) }],
    meaning: "100 % is one core.",
  },
  {
    title: "Memory",
    unit: "bytes",
    lines: [{ name: "resident", query: `process_resident_memory_bytes{${OWN}}` }],
    meaning: "What the process holds in memory.",
  },
  {
    title: "Accepted",
    unit: "cps",
    lines: [
      { name: "spans", query: rate(observatory("spans_accepted_total")) },
      { name: "lines", query: rate(observatory("log_records_accepted_total")) },
      { name: "samples", query: rate(observatory("samples_accepted_total")) },
    ],
    meaning: "What is durable and was acknowledged.",
  },
  {
    title: "Refused",
    unit: "cps",
    lines: [
      { name: "by inputs", query: `sum(${rate(observatory("receiver_refused_total"))})` },
      { name: "by queues", query: rate(observatory("requests_refused_total")) },
      { name: "samples", query: rate(observatory("samples_refused_total")) },
    ],
    meaning: "The limits and the inputs tell why.",
  },
  {
    title: "Waiting",
    unit: "bytes",
    lines: [
      { name: "queued", query: observatory("queued_bytes") },
      { name: "unsealed", query: observatory("unsealed_bytes") },
    ],
    meaning: "Queued is not stored yet, unsealed is in the journal and in memory.",
  },
  {
    title: "Queries",
    unit: "reqps",
    lines: [{ name: "ended", query: rate(observatory("queries_total")) }],
    meaning: "Of people, programs and this page.",
  },
  {
    title: "Duration of queries",
    unit: "s",
    lines: [
      {
        name: "mean",
        query: `${rate(observatory("query_seconds_total"))} / ${rate(observatory("queries_total"))}`,
      },
    ],
    meaning: "Without the time that they wait for a thread.",
  },
  {
    title: "Queries that wait",
    unit: "short",
    lines: [{ name: "waiting", query: observatory("queries_waiting") }],
    meaning: "As many as the setting query_concurrency run at once.",
  },
  {
    title: "Event loop",
    unit: "s",
    lines: [{ name: "late", query: observatory("event_loop_lag_seconds") }],
    meaning: "By how much it was at most late within 30 s. What waits for it answers as much later.",
  },
  {
    title: "Garbage collection",
    unit: "percentunit",
    lines: [{ name: "of the time", query: rate(observatory("gc_seconds_total")) }],
    meaning: "Everything waits meanwhile.",
  },
  {
    title: "Evaluation of rules",
    unit: "s",
    lines: [{ name: "", query: `prometheus_rule_group_last_duration_seconds{${OWN}}`, by: "rule_group" }],
    meaning: "Of each group, at its last turn.",
  },
  {
    title: "Scraping",
    unit: "s",
    lines: [{ name: "", query: "max by (job) (scrape_duration_seconds)", by: "job" }],
    meaning: "The slowest target of each job.",
  },
  {
    title: "Open files",
    unit: "short",
    lines: [{ name: "open", query: `process_open_fds{${OWN}}` }],
    meaning: "Every segment is one, and every connection.",
  },
  {
    title: "Held",
    unit: "bytes",
    lines: [{ name: "", query: observatory("segment_bytes"), by: "signal" }],
    meaning: "Bytes of segments by signal.",
  },
];

export interface Line {
  name: string;
  /** Unix seconds and value; null is a gap. */
  points: [number, number | null][];
}

/** Returns a line's points as paths within a box, a new one after each gap. */
export function paths(
  line: Line,
  range: { from: number; to: number },
  top: number,
  width: number,
  height: number,
): string[] {
  const found: string[] = [];
  let path = "";
  for (const [at, value] of line.points) {
    if (value === null || at < range.from || at > range.to) {
      found.push(path);
      path = "";
      continue;
    }
    const x = ((at - range.from) / Math.max(range.to - range.from, 1)) * width;
    const y = height - (top > 0 ? Math.max(0, value) / top : 0) * height;
    path += `${path === "" ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  }
  return [...found, path].filter((one) => one !== "");
}

/** Puts gaps where a step is missing, so that nothing is drawn over what was not measured. */
export function withGaps(values: [number, string][], step: number): [number, number | null][] {
  const points: [number, number | null][] = [];
  let last: number | null = null;
  for (const [at, text] of values) {
    if (last !== null && at - last > step * 1.5) {
      points.push([last + step, null]);
    }
    const value = Number(text);
    points.push([at, Number.isFinite(value) ? value : null]);
    last = at;
  }
  return points;
}
