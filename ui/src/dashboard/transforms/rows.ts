/** Rows of frames: some of them, in an order, or those that show a text. */

import { type Cell, type DataFrame, type Field, rowCount, toNumber } from "../../data/fields";
import { display } from "../display";
import { isObject, list, type Options, text, yes } from "../options";
import { named } from "./columns";

export function rowIndexes(frame: DataFrame): number[] {
  return Array.from({ length: rowCount(frame) }, (_, i) => i);
}

/** Returns a frame of the rows at these indexes, in their order. */
export function take(frame: DataFrame, indexes: readonly number[]): DataFrame {
  return {
    ...frame,
    fields: frame.fields.map((field) => ({ ...field, values: indexes.map((i) => field.values[i] ?? null) })),
  };
}

function compare(a: Cell, b: Cell): number {
  const [x, y] = [toNumber(a), toNumber(b)];
  if (x !== null && y !== null) {
    return x - y;
  }
  if (a === null || b === null) {
    return a === b ? 0 : a === null ? -1 : 1;
  }
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

export function sortBy(frames: DataFrame[], options: Options): DataFrame[] {
  const [wanted] = list(options["sort"]).filter(isObject);
  if (wanted === undefined) {
    return frames;
  }
  return frames.map((frame) => sortFrame(frame, text(wanted["field"]), yes(wanted["desc"])));
}

/** Returns a frame with its rows in the order of one field; missing values come first, or last where descending. */
export function sortFrame(frame: DataFrame, name: string, descending: boolean): DataFrame {
  const field = frame.fields.find((one) => named(one, name));
  if (field === undefined) {
    return frame;
  }
  const sign = descending ? -1 : 1;
  const indexes = rowIndexes(frame).sort(
    (a, b) => sign * compare(field.values[a] ?? null, field.values[b] ?? null) || a - b,
  );
  return take(frame, indexes);
}

/** Returns a frame with the rows in which one of some fields shows a text, whatever its case. */
export function filterRows(frame: DataFrame, fields: readonly Field[], typed: string): DataFrame {
  const wanted = typed.trim().toLowerCase();
  if (wanted === "") {
    return frame;
  }
  const shows = ({ values, config }: Field, row: number): boolean =>
    display(values[row] ?? null, config)
      .text.toLowerCase()
      .includes(wanted);
  return take(
    frame,
    rowIndexes(frame).filter((row) => fields.some((field) => shows(field, row))),
  );
}
