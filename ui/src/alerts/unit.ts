/** The unit of what an alerting rule watches, from what its author wrote. */

import type { Rule } from "../api/alerts";

const HUMANIZED: [RegExp, string][] = [
  [/\$value\s*\|\s*humanizePercentage/, "percentunit"],
  [/\$value\s*\|\s*humanizeDuration/, "s"],
  [/\$value\s*\|\s*humanize1024/, "bytes"],
  [/\$value\s*(\|\s*printf "[^"]*"\s*)?\}\}\s*%/, "percent"],
];

const SUFFIXES: [RegExp, string][] = [
  [/_(milliseconds|ms)$/, "ms"],
  [/_seconds$/, "s"],
  [/_bytes$/, "bytes"],
  [/_ratio$/, "percentunit"],
  [/_percent$/, "percent"],
];

/**
 * Returns a unit as Grafana names it, "short" where nothing tells.
 *
 * The functions by which the annotations humanize the value say it best; else the name of the histogram does, or of the
 * metric where nothing is computed from it that has another unit: a rate of seconds is none.
 */
export function unitOf(rule: Pick<Rule, "annotations" | "graph_query" | "histogram">): string {
  const texts = Object.values(rule.annotations);
  for (const [pattern, unit] of HUMANIZED) {
    if (texts.some((text) => pattern.test(text))) {
      return unit;
    }
  }
  if (rule.histogram?.bound === null) {
    return nameUnit(rule.histogram.metric);
  }
  const query = rule.graph_query;
  const plain =
    /^(?:(?:sum|avg|min|max)(?:_over_time)?(?: (?:by|without) \([^)]*\))? ?\()*([A-Za-z_:][\w:]*)(?:[{[)\s]|$)/.exec(
      query,
    );
  // A name that is followed by arithmetic has lost its unit, and so has a comparison's result.
  const computed = /[-+*/%^]|\b(?:rate|irate|increase|count|delta|deriv|changes|resets)\b/.test(
    query.replace(/\{[^}]*\}/g, "").replace(/"[^"]*"/g, ""),
  );
  return plain === null || computed ? "short" : nameUnit(plain[1] ?? "");
}

/** The unit that a metric's name ends in, "short" where it ends in none. */
export function nameUnit(name: string): string {
  return SUFFIXES.find(([pattern]) => pattern.test(name))?.[1] ?? "short";
}
