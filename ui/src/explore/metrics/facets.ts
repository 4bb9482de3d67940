/** A selector that is chosen step by step: a metric, its labels, their values with how many series have each. */

import type { Labels } from "../../api/metrics";

/** The chosen values of each label; none of a label is any. */
export type Chosen = ReadonlyMap<string, ReadonlySet<string>>;

export interface Facet {
  label: string;
  values: { value: string; series: number }[];
}

const collator = new Intl.Collator("en", { numeric: true });

/** How many of the series are chosen. */
export function countChosen(series: readonly Labels[], chosen: Chosen): number {
  return series.filter((one) => fits(one, chosen, null)).length;
}

/**
 * The labels of the series, each with its values and how many series have them.
 *
 * Those of a label are counted by what is chosen of the others, so that more of its values can be chosen.
 */
export function facets(series: readonly Labels[], chosen: Chosen): Facet[] {
  const names = [...new Set(series.flatMap((one) => Object.keys(one)))]
    .filter((name) => name !== "__name__")
    .sort();
  return names.map((label) => {
    const counts = new Map<string, number>();
    for (const one of series) {
      const value = one[label];
      if (value !== undefined && fits(one, chosen, label)) {
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
    }
    // What is chosen stays in the list, also where another choice leaves nothing of it.
    for (const value of chosen.get(label) ?? []) {
      counts.set(value, counts.get(value) ?? 0);
    }
    const values = [...counts].map(([value, count]) => ({ value, series: count }));
    values.sort((a, b) => b.series - a.series || collator.compare(a.value, b.value));
    return { label, values };
  });
}

function fits(series: Labels, chosen: Chosen, but: string | null): boolean {
  for (const [label, values] of chosen) {
    if (label !== but && values.size > 0 && !values.has(series[label] ?? "")) {
      return false;
    }
  }
  return true;
}

export function toggled(chosen: Chosen, label: string, value: string): Chosen {
  const values = new Set(chosen.get(label));
  if (!values.delete(value)) {
    values.add(value);
  }
  const changed = new Map(chosen);
  if (values.size === 0) {
    changed.delete(label);
  } else {
    changed.set(label, values);
  }
  return changed;
}

/** Writes the selector: several values of a label are a regular expression, in which each stands for itself. */
export function writeSelector(metric: string, chosen: Chosen): string {
  const plain = /^[A-Za-z_:][\w:]*$/.test(metric);
  const matchers = plain || metric === "" ? [] : [JSON.stringify(metric)];
  for (const [label, values] of chosen) {
    const name = /^[A-Za-z_]\w*$/.test(label) ? label : JSON.stringify(label);
    const [first = "", ...others] = values;
    matchers.push(
      others.length === 0
        ? `${name}=${JSON.stringify(first)}`
        : `${name}=~${JSON.stringify([first, ...others].map(escaped).join("|"))}`,
    );
  }
  const name = plain ? metric : "";
  return matchers.length === 0 ? name : `${name}{${matchers.join(", ")}}`;
}

function escaped(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

export interface Proposal {
  title: string;
  expr: string;
}

/** What is mostly asked of a metric of its type. */
export function proposals(metric: string, type: string, selector: string): Proposal[] {
  const plain = { title: "Insert", expr: selector };
  if (/_bucket$/.test(metric)) {
    return [
      plain,
      {
        title: "95th percentile",
        expr: `histogram_quantile(0.95, sum by (le) (rate(${selector}[5m])))`,
      },
    ];
  }
  if (type === "counter" || /_(total|count|sum)$/.test(metric)) {
    return [
      plain,
      { title: "Rate", expr: `rate(${selector}[5m])` },
      { title: "Sum of rates", expr: `sum(rate(${selector}[5m]))` },
    ];
  }
  if (type === "histogram") {
    // A classic one has no series of its own name.
    return [
      plain,
      { title: "95th percentile", expr: `histogram_quantile(0.95, sum(rate(${selector}[5m])))` },
    ];
  }
  return [plain, { title: "Average", expr: `avg(${selector})` }];
}

export interface MetricGroup {
  prefix: string;
  metrics: string[];
}

/** Groups names by their first word. */
export function groupByPrefix(names: readonly string[]): MetricGroup[] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const prefix = /^[^_.:/]+/.exec(name)?.[0] ?? name;
    const group = groups.get(prefix);
    if (group === undefined) {
      groups.set(prefix, [name]);
    } else {
      group.push(name);
    }
  }
  return [...groups].map(([prefix, metrics]) => ({ prefix, metrics }));
}
