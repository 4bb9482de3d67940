/** Buckets over time: what a heatmap draws, from classic and native histograms, and from plain values. */

import type { MatrixSeries } from "../api/metrics";

/** A row of cells; its bounds are in the axis' own measure, from which `label` writes. */
export interface Row {
  low: number;
  high: number;
  /** The bucket in words: its bounds, or its name. */
  label: string;
}

export interface Cell {
  /** An index of the times. */
  column: number;
  /** The first row, and the one after the last, that it covers. */
  from: number;
  to: number;
  count: number;
}

export interface Grid {
  /** Unix seconds, ascending. */
  times: number[];
  /** From below upwards, each beginning where the one before ends. */
  rows: Row[];
  cells: Cell[];
  /** What stands beside the axis: a row's lower edge, as an index of rows (or one beyond), and its text. */
  edges: { at: number; label: string }[];
}

interface Named {
  name: string;
  /** The label `le`, where there is one. */
  le: string | undefined;
  values: (number | null)[];
}

type Write = (value: number) => string;

const bound = (text: string): number =>
  text === "+Inf" || text === "Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);

/**
 * Makes the grid of a classic histogram: series whose `le`, or name, is a bucket's upper bound.
 *
 * @param cumulative each counts what is in the buckets below it too, as Prometheus' do.
 */
export function classicGrid(
  times: number[],
  series: readonly Named[],
  cumulative: boolean,
  write: Write,
): Grid {
  const sorted = series
    .map((one) => ({ ...one, high: bound(one.le ?? one.name) }))
    .filter((one) => !Number.isNaN(one.high))
    .sort((a, b) => a.high - b.high);
  const rows = sorted.map((one, i): Row => {
    const low = sorted[i - 1]?.high ?? (one.high > 0 ? 0 : -Infinity);
    return { low, high: one.high, label: rangeText(low, one.high, write) };
  });
  const cells = sorted.flatMap((one, row) =>
    one.values.flatMap((value, column): Cell[] => {
      if (value === null) {
        return [];
      }
      const below = cumulative ? (sorted[row - 1]?.values[column] ?? 0) : 0;
      const count = value - below;
      return count > 0 ? [{ column, from: row, to: row + 1, count }] : [];
    }),
  );
  const edges = rows.map((row, i) => ({
    at: i + 1,
    label: Number.isFinite(row.high) ? write(row.high) : "∞",
  }));
  return { times, rows, cells, edges };
}

/** Makes the grid of series that are buckets by their names, whatever these say: the first is at the bottom. */
export function namedGrid(times: number[], series: readonly Named[]): Grid {
  const rows = series.map((one, i): Row => ({ low: i, high: i + 1, label: one.name }));
  const cells = series.flatMap((one, row) =>
    one.values.flatMap((value, column): Cell[] =>
      value === null || value === 0 ? [] : [{ column, from: row, to: row + 1, count: value }],
    ),
  );
  return { times, rows, cells, edges: rows.map((row, i) => ({ at: i + 0.5, label: row.label })) };
}

/** Makes the grid of native histograms: the buckets of all series together, at the bounds that they have. */
export function nativeGrid(
  times: number[],
  step: number,
  series: readonly MatrixSeries[],
  write: Write,
): Grid {
  const bounds = new Set<number>();
  const found: { column: number; low: number; high: number; count: number }[] = [];
  const start = times[0] ?? 0;
  for (const { histograms = [] } of series) {
    for (const [at, { buckets = [] }] of histograms) {
      const column = Math.round((at - start) / step);
      if (column < 0 || column >= times.length) {
        continue;
      }
      for (const [, lowText, highText, countText] of buckets) {
        const [low, high, count] = [bound(lowText), bound(highText), Number(countText)];
        bounds.add(low);
        bounds.add(high);
        if (count > 0) {
          found.push({ column, low, high, count });
        }
      }
    }
  }
  const sorted = [...bounds].sort((a, b) => a - b);
  const indexOf = new Map(sorted.map((value, i) => [value, i]));
  const rows = sorted.slice(1).map((high, i): Row => {
    const low = sorted[i] ?? 0;
    return { low, high, label: rangeText(low, high, write) };
  });
  const cells = found.map(({ column, low, high, count }): Cell => ({
    column,
    from: indexOf.get(low) ?? 0,
    to: indexOf.get(high) ?? 0,
    count,
  }));
  return {
    times,
    rows,
    cells: summed(cells),
    edges: sorted.map((value, at) => ({ at, label: write(value) })),
  };
}

/** Cells of several series in one place become one. */
function summed(cells: readonly Cell[]): Cell[] {
  const places = new Map<string, Cell>();
  for (const cell of cells) {
    const key = `${String(cell.column)} ${String(cell.from)} ${String(cell.to)}`;
    const before = places.get(key);
    places.set(key, before === undefined ? cell : { ...before, count: before.count + cell.count });
  }
  return [...places.values()];
}

/** Makes the grid of plain values: how many series are in each of some equal buckets at each moment. */
export function countedGrid(
  times: number[],
  series: readonly Named[],
  buckets: { count: number; size: number },
  write: Write,
): Grid {
  const values = series.flatMap((one) => one.values.filter((value) => value !== null));
  if (values.length === 0) {
    return { times, rows: [], cells: [], edges: [] };
  }
  const least = values.reduce((low, value) => Math.min(low, value));
  const most = values.reduce((high, value) => Math.max(high, value));
  const size =
    buckets.size > 0 ? buckets.size : niceSize((most - least) / (buckets.count > 0 ? buckets.count : 20));
  const first = Math.floor(least / size);
  const count = Math.min(Math.floor(most / size) - first + 1, MOST_ROWS);
  const rows = Array.from({ length: count }, (_, i): Row => {
    const [low, high] = [(first + i) * size, (first + i + 1) * size];
    return { low, high, label: rangeText(low, high, write) };
  });
  const cells = times.flatMap((_, column) => {
    const counts = new Map<number, number>();
    for (const one of series) {
      const value = one.values[column];
      if (value !== null && value !== undefined) {
        const row = Math.min(Math.floor(value / size) - first, count - 1);
        counts.set(row, (counts.get(row) ?? 0) + 1);
      }
    }
    return [...counts].map(([row, number]): Cell => ({ column, from: row, to: row + 1, count: number }));
  });
  return {
    times,
    rows,
    cells,
    edges: Array.from({ length: count + 1 }, (_, at) => ({ at, label: write((first + at) * size) })),
  };
}

const MOST_ROWS = 200;

function niceSize(wanted: number): number {
  if (!(wanted > 0)) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(wanted));
  return ([1, 2, 5, 10].find((one) => one * power >= wanted) ?? 10) * power;
}

function rangeText(low: number, high: number, write: Write): string {
  if (!Number.isFinite(high)) {
    return `over ${write(low)}`;
  }
  return Number.isFinite(low) ? `${write(low)} to ${write(high)}` : `up to ${write(high)}`;
}

/** Returns the least and the greatest count, between which the colours go. */
export function countRange(grid: Grid): { low: number; high: number } {
  let [low, high] = [Infinity, 0];
  for (const { count } of grid.cells) {
    low = Math.min(low, count);
    high = Math.max(high, count);
  }
  return { low: Number.isFinite(low) ? low : 0, high };
}

/** Counts the rows of what there is at a moment, from the top, for the tooltip and the table. */
export function columnCells(grid: Grid, column: number): Cell[] {
  return grid.cells.filter((cell) => cell.column === column).sort((a, b) => b.from - a.from);
}
