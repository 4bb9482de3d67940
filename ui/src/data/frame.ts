/** The result of a panel's queries, on one axis of time. */

import type { FieldStyle, Threshold } from "../api/dashboards";
import type { MatrixSeries } from "../api/metrics";
import type { Field } from "./fields";

/** How one series is drawn. */
export interface SeriesLook {
  /** CSS. */
  color: string;
  /** The colour is that of the place on the axis: of its thresholds, or of a continuous scale. */
  scheme: { thresholds: Threshold[] } | { scale: string; low: number; high: number } | null;
  axis: string;
  draw: FieldStyle["draw_style"];
  interpolation: FieldStyle["interpolation"];
  width: number;
  dash: number[];
  round: boolean;
  /** Percent. */
  fill: number;
  gradient: FieldStyle["gradient"];
  /** The name of the series down to which the area is filled, or "". */
  fillTo: string;
  /** Whether the line goes over gaps: never, always, or over those of fewer milliseconds. */
  spanNulls: boolean | number;
  points: FieldStyle["show_points"];
  pointSize: number;
  barAlign: -1 | 0 | 1;
  barWidth: number;
  /** Series of one group are stacked; "" for none. */
  stack: string;
  percent: boolean;
}

export interface Series {
  name: string;
  values: (number | null)[];
  /** How it is drawn, unless as the chart says for all. */
  look?: SeriesLook;
  /** What it is of, for its unit, its links and its labels. */
  field?: Field;
  /** Most of it is below zero, so that it is stacked downwards. */
  negative?: boolean;
  /** Where it is not told of. */
  hide?: { legend: boolean; tooltip: boolean };
}

export interface Frame {
  /** Unix seconds, ascending, one every step. */
  times: number[];
  series: Series[];
}

export interface NamedResult {
  name: (metric: Record<string, string>) => string;
  result: MatrixSeries[];
}

/**
 * Lays the series of several results on the steps of their range.
 *
 * A step without a sample, or with one that is no finite number, is a gap. Series come in the order of the
 * results, then of their names, so that colours stay with them from one refresh to the next.
 */
export function makeFrame(
  results: NamedResult[],
  range: { start: number; end: number; step: number },
): Frame {
  const count = Math.max(0, Math.round((range.end - range.start) / range.step)) + 1;
  const times = Array.from({ length: count }, (_, i) => range.start + i * range.step);
  const series = results.flatMap(({ name, result }) =>
    result
      .map((one) => {
        const values = new Array<number | null>(count).fill(null);
        for (const [time, text] of one.values ?? []) {
          const index = Math.round((time - range.start) / range.step);
          const value = Number(text);
          if (index >= 0 && index < count && Number.isFinite(value)) {
            values[index] = value;
          }
        }
        return { name: name(one.metric), values };
      })
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)),
  );
  return { times, series: distinct(series) };
}

/** Two queries may name a series alike: the later ones get a number that makes a name of no other. */
export function distinct(series: Series[]): Series[] {
  const given = new Set(series.map((one) => one.name));
  const seen = new Map<string, number>();
  return series.map((one) => {
    let count = (seen.get(one.name) ?? 0) + 1;
    while (count > 1 && given.has(`${one.name} (${String(count)})`)) {
      count += 1;
    }
    seen.set(one.name, count);
    return count === 1 ? one : { ...one, name: `${one.name} (${String(count)})` };
  });
}

export function isEmpty(frame: Frame): boolean {
  return frame.series.every((one) => one.values.every((value) => value === null));
}

/** Thins rows evenly to at most `limit`, keeping the newest, as indexes from the newest to the oldest. */
export function tableRows(count: number, limit: number): number[] {
  const stride = Math.max(1, Math.ceil(count / limit));
  const rows: number[] = [];
  for (let index = count - 1; index >= 0; index -= stride) {
    rows.push(index);
  }
  return rows;
}
