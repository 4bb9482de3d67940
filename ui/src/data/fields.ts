/** The results of a panel's queries: frames of fields, as Grafana's transformations and overrides know them. */

import type { FieldConfig } from "../api/dashboards";
import type { Labels } from "../api/metrics";

export type Cell = number | string | boolean | null;

export interface Field {
  /** Its own name: "Time", "Value", or a label. */
  name: string;
  kind: "time" | "number" | "string";
  /** Times are Unix milliseconds. */
  values: Cell[];
  labels: Labels;
  /** Under which it is shown: what the query's legend gives, its own name, or what the file sets. */
  title: string;
  config: FieldConfig;
}

export interface DataFrame {
  refId: string;
  /** The name of the series, or "". */
  name: string;
  fields: Field[];
}

/** Returns how many rows a frame has. */
export function rowCount(frame: DataFrame): number {
  return frame.fields.reduce((count, field) => Math.max(count, field.values.length), 0);
}

export function numbers(field: Field): (number | null)[] {
  return field.kind === "number" ? (field.values as (number | null)[]) : field.values.map(toNumber);
}

/** Reads a cell as a number; null where it is none. */
export function toNumber(cell: Cell | undefined): number | null {
  if (typeof cell === "number") {
    return cell;
  }
  if (typeof cell === "boolean") {
    return cell ? 1 : 0;
  }
  const read = typeof cell === "string" && cell.trim() !== "" ? Number(cell) : Number.NaN;
  return Number.isNaN(read) ? null : read;
}

export function makeField(
  name: string,
  kind: Field["kind"],
  values: Cell[],
  config: FieldConfig,
  more: Partial<Pick<Field, "labels" | "title">> = {},
): Field {
  return { name, kind, values, config, labels: {}, title: name, ...more };
}
