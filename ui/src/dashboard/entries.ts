/** What panels of single values show: one value of each series, or each row of a table. */

import type { FieldConfig, ReduceOptions } from "../api/dashboards";
import { seriesColor } from "../charts/colors";
import { type Cell, type DataFrame, type Field, numbers, rowCount, toNumber } from "../data/fields";
import { display, fieldLimits, type Limits } from "./display";
import { readPattern } from "./pattern";
import { calcTitle, COUNTING, reduceValues } from "./reduce";

export interface Entry {
  title: string;
  value: number | null;
  text: string;
  /** Grafana's name of a colour, or CSS; null where the value is not coloured. */
  color: string | null;
  limits: Limits;
  /** What it was reduced from, for the line under it; of a row there is none. */
  values: (number | null)[];
  field: Field;
  row: number | null;
}

/** How many are shown at most. */
export const MOST_ENTRIES = 200;

/** Returns the entries of configured frames. */
export function makeEntries(frames: readonly DataFrame[], reduce: ReduceOptions): Entry[] {
  const calcs = reduce.calcs.length === 0 ? ["lastNotNull"] : reduce.calcs;
  const picked = frames.flatMap((frame) =>
    frame.fields.filter((field) => picks(field, reduce.fields)).map((field) => ({ frame, field })),
  );
  const limitsOf = limitsAmong(picked.map(({ field }) => field));
  const made = picked.flatMap(({ frame, field }): Entry[] => {
    const limits = limitsOf(field.config);
    if (reduce.values) {
      const names = frame.fields.filter((one) => one.kind === "string" && one !== field);
      return Array.from({ length: rowCount(frame) }, (_, row) =>
        entry(rowTitle(names, row, field), field.values[row] ?? null, field, limits, [], row),
      );
    }
    const values = numbers(field);
    if (field.kind === "string") {
      return [entry(field.title, field.values.at(-1) ?? null, field, limits, values, null)];
    }
    return calcs.map((calc) => {
      const title = calcs.length > 1 ? `${field.title} ${calcTitle(calc)}` : field.title;
      const of = COUNTING.has(calc) ? counted(field) : field;
      return entry(title, reduceValues(values, calc), of, limits, values, null);
    });
  });
  const shown = reduce.values ? made.slice(0, reduce.limit ?? 25) : made;
  return shown.map((one, i) => ({ ...one, color: one.color ?? paletteColor(one.field, i) }));
}

function entry(
  title: string,
  value: Cell,
  field: Field,
  limits: Limits,
  values: (number | null)[],
  row: number | null,
): Entry {
  return {
    title,
    value: toNumber(value),
    ...display(value, field.config, limits),
    limits,
    values,
    field,
    row,
  };
}

/** Without a selection numbers are shown, with one whatever it names. */
function picks(field: Field, wanted: string): boolean {
  if (wanted === "") {
    return field.kind === "number";
  }
  if (field.title === wanted || field.name === wanted) {
    return true;
  }
  return wanted.startsWith("/") && field.kind !== "time" && readPattern(wanted)?.test(field.title) === true;
}

function rowTitle(names: readonly Field[], row: number, field: Field): string {
  const parts = names
    .map((one) => one.values[row])
    .filter((one) => one !== null && one !== undefined && one !== "");
  return parts.length === 0 ? field.title : parts.join(" ");
}

/** How many there are has no unit. */
function counted(field: Field): Field {
  return { ...field, config: { ...field.config, unit: "none" } };
}

/**
 * Gives the limits of a gauge by the configuration of its field. Without limits in the file they are, of percentages, the
 * whole, and else those of all the values, which are looked through once.
 */
function limitsAmong(all: readonly Field[]): (config: FieldConfig) => Limits {
  let found: Limits | null = null;
  return (config) => {
    const { min, max, unit } = config;
    if (min !== null && max !== null) {
      return { low: min, high: max };
    }
    if (unit === "percent" || unit === "percentunit") {
      return { low: min ?? 0, high: max ?? (unit === "percent" ? 100 : 1) };
    }
    found ??= fieldLimits(all, { ...config, min: null, max: null });
    return { low: min ?? Math.min(0, found.low), high: max ?? found.high };
  };
}

function paletteColor(field: Field, index: number): string | null {
  return field.config.color.mode.startsWith("palette-classic") ? seriesColor(index) : null;
}

/** Returns by what share a series changed over the range; null where that cannot be told. */
export function percentChange(values: readonly (number | null)[]): number | null {
  const [first, last] = [reduceValues(values, "firstNotNull"), reduceValues(values, "lastNotNull")];
  return first === null || last === null || first === 0 ? null : (last - first) / Math.abs(first);
}
