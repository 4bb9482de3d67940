/** Stacking: what lies on what, as values or as percentages of the whole. */

import type { Series, SeriesLook } from "../data/frame";

type Values = (number | null)[];

/**
 * Returns each series with those of its group below it added; a gap stays a gap, and counts as nothing above it.
 *
 * What is negative goes down from zero, apart from what is positive. Percentages are shares, 0 to 1, of what the
 * group has at that moment.
 */
export function stackValues(
  series: readonly Series[],
  looks: readonly Pick<SeriesLook, "stack" | "axis" | "percent">[],
  shown?: readonly boolean[],
): Values[] {
  const totals = new Map<string, number[]>();
  const groupOf = (i: number): string =>
    `${looks[i]?.stack ?? ""} ${looks[i]?.axis ?? ""} ${String(series[i]?.negative === true)}`;
  const stacks = (i: number): boolean => (looks[i]?.stack ?? "") !== "" && (shown?.[i] ?? true);
  series.forEach((one, i) => {
    if (stacks(i) && looks[i]?.percent === true) {
      const total = totals.get(groupOf(i)) ?? [];
      totals.set(groupOf(i), total);
      one.values.forEach((value, at) => {
        total[at] = (total[at] ?? 0) + Math.abs(value ?? 0);
      });
    }
  });
  const below = new Map<string, number[]>();
  return series.map((one, i) => {
    if (!stacks(i)) {
      return one.values;
    }
    const group = groupOf(i);
    const sums = below.get(group) ?? [];
    below.set(group, sums);
    const total = looks[i]?.percent === true ? totals.get(group) : undefined;
    return one.values.map((value, at) => {
      if (value === null) {
        return null;
      }
      const whole = total === undefined ? 1 : total[at] || 1;
      sums[at] = (sums[at] ?? 0) + value / whole;
      return sums[at] ?? null;
    });
  });
}
