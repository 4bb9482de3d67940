/** Columns that are calculated of others. */

import type { FieldConfig } from "../../api/dashboards";
import { type DataFrame, type Field, makeField, toNumber } from "../../data/fields";
import { list, object, type Options, text, yes } from "../options";
import { calcTitle, reduceValues } from "../reduce";
import { named, renamed } from "./columns";
import { join } from "./join";
import { rowIndexes } from "./rows";

export function calculate(frames: DataFrame[], options: Options, config: FieldConfig): DataFrame[] {
  // Series are calculated with one another, so they are put side by side first.
  const alike =
    frames.length > 1 && frames.every((frame) => frame.fields.some((field) => field.kind === "time"));
  return (alike ? join(frames, {}) : frames).map((frame) => {
    const made =
      options["mode"] === "binary"
        ? binary(frame, object(options["binary"]), config)
        : rowWise(frame, object(options["reduce"]), config);
    if (made === null) {
      return frame;
    }
    const alias = text(options["alias"]);
    const field = alias === "" ? made : renamed(made, alias);
    const kept = yes(options["replaceFields"])
      ? frame.fields.filter((one) => one.kind === "time")
      : frame.fields;
    return { ...frame, fields: [...kept, field] };
  });
}

function rowWise(frame: DataFrame, options: Options, config: FieldConfig): Field {
  const calc = text(options["reducer"]) || "sum";
  const include = list(options["include"]).map(text);
  const fields = frame.fields.filter(
    (field) =>
      field.kind === "number" && (include.length === 0 || include.some((name) => named(field, name))),
  );
  const values = rowIndexes(frame).map((i) =>
    reduceValues(
      fields.map((field) => toNumber(field.values[i])),
      calc,
    ),
  );
  return makeField(calcTitle(calc), "number", values, config);
}

const OPERATORS: Record<string, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => (b === 0 ? Number.NaN : a / b),
  "%": (a, b) => a % b,
  "**": (a, b) => a ** b,
};

function binary(frame: DataFrame, options: Options, config: FieldConfig): Field | null {
  const operator = text(options["operator"]) || "+";
  const apply = OPERATORS[operator];
  const left = operand(frame, options["left"]);
  const right = operand(frame, options["right"]);
  if (apply === undefined || left === null || right === null) {
    return null;
  }
  const values = rowIndexes(frame).map((i) => {
    const [a, b] = [left.at(i), right.at(i)];
    const value = a === null || b === null ? null : apply(a, b);
    return value === null || Number.isNaN(value) ? null : value;
  });
  return makeField(`${left.name} ${operator} ${right.name}`, "number", values, config);
}

function operand(
  frame: DataFrame,
  given: unknown,
): { name: string; at: (row: number) => number | null } | null {
  const matcher = object(object(given)["matcher"]);
  const name = typeof given === "string" ? given : text(object(given)["fixed"]) || text(matcher["options"]);
  const field = frame.fields.find((one) => one.kind !== "time" && named(one, name));
  if (field !== undefined) {
    return { name, at: (row) => toNumber(field.values[row]) };
  }
  const fixed = toNumber(name);
  return fixed === null ? null : { name, at: () => fixed };
}
