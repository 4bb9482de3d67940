/** Names series as Grafana's legend does. */

import type { Labels } from "../api/metrics";

/** Returns a Prometheus series in its own notation: `up{job="a"}`. */
export function seriesName(metric: Labels): string {
  const { __name__: name = "", ...rest } = metric;
  const labels = Object.entries(rest)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return labels.length === 0 && name !== "" ? name : `${name}{${labels.join(", ")}}`;
}

/**
 * Fills a legend format: `{{label}}` is the label's value, nothing where the series has no such label.
 *
 * Without a format (or with `__auto`) the series' own notation is used, and the query where it has no labels.
 */
export function legendName(format: string, metric: Labels, query: string): string {
  if (format === "" || format === "__auto") {
    return Object.keys(metric).length === 0 ? query : seriesName(metric);
  }
  const name = format.replace(/\{\{\s*([^{}]+?)\s*\}\}/g, (_, label: string) => metric[label] ?? "");
  return name.trim() === "" ? seriesName(metric) : name;
}
