/** Narrows an expression to the series that belong to an alert. */

import type { AlertInstance, Rule } from "../api/alerts";

/**
 * Returns a query for those series of an expression that have the labels of an alert, but for the labels that its rule
 * sets by itself.
 */
export function narrowTo(
  query: string,
  alert: Pick<AlertInstance, "labels">,
  rule: Pick<Rule, "labels">,
): string {
  const own = Object.entries(alert.labels).filter(
    ([name, value]) => name !== "alertname" && rule.labels[name] !== value,
  );
  const wanted = own.reduce(
    (vector, [name, value]) =>
      `label_replace(${vector}, ${quoted(name)}, ${quoted(value.replaceAll("$", "$$$$"))}, "", "")`,
    "vector(1)",
  );
  return `(${query}) and on (${own.map(([name]) => (isPlain(name) ? name : quoted(name))).join(", ")}) ${wanted}`;
}

function isPlain(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name);
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
