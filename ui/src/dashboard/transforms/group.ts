/** What is made of many values: a row of each series, or of each group of rows. */

import type { FieldConfig } from "../../api/dashboards";
import { type Cell, type DataFrame, type Field, makeField, numbers, toNumber } from "../../data/fields";
import { list, object, type Options, text, yes } from "../options";
import { calcTitle, reduceValues } from "../reduce";
import { labelNames } from "./join";
import { rowIndexes } from "./rows";

export function reduce(frames: DataFrame[], options: Options, config: FieldConfig): DataFrame[] {
  const calcs = list(options["reducers"]).map(text);
  const chosen = calcs.length === 0 ? ["max"] : calcs;
  if (options["mode"] === "reduceFields") {
    return frames.map((frame) => ({
      ...frame,
      fields: frame.fields
        .filter(
          (field) => field.kind === "number" || (field.kind === "time" && yes(options["includeTimeField"])),
        )
        .flatMap((field) =>
          chosen.map((calc) => ({
            ...field,
            title: chosen.length === 1 ? field.title : `${field.title} ${calcTitle(calc)}`,
            values: [reduceValues(numbers(field), calc)],
          })),
        ),
    }));
  }
  const fields = frames.flatMap((frame) => frame.fields.filter((field) => field.kind === "number"));
  const labels = yes(options["labelsToFields"]) ? labelNames(fields) : [];
  return [
    {
      refId: "",
      name: "",
      fields: [
        makeField(
          "Field",
          "string",
          fields.map((field) => (labels.length > 0 ? field.name : field.title)),
          config,
        ),
        ...labels.map((label) =>
          makeField(
            label,
            "string",
            fields.map((field) => field.labels[label] ?? null),
            config,
          ),
        ),
        ...chosen.map((calc) =>
          makeField(
            calcTitle(calc),
            "number",
            fields.map((field) => reduceValues(numbers(field), calc)),
            config,
          ),
        ),
      ],
    },
  ];
}

export function groupBy(frames: DataFrame[], options: Options, config: FieldConfig): DataFrame[] {
  const wanted = object(options["fields"]);
  return frames.flatMap((frame) => {
    const of = (field: Field): Options => object(wanted[field.title] ?? wanted[field.name]);
    const keys = frame.fields.filter((field) => of(field)["operation"] === "groupby");
    if (keys.length === 0) {
      return [];
    }
    const groups = new Map<string, number[]>();
    for (const i of rowIndexes(frame)) {
      const key = JSON.stringify(keys.map((field) => field.values[i] ?? null));
      const rows = groups.get(key);
      if (rows === undefined) {
        groups.set(key, [i]);
      } else {
        rows.push(i);
      }
    }
    const rows = [...groups.values()];
    const calculated = frame.fields.flatMap((field) => {
      const { operation, aggregations } = of(field);
      const calcs =
        operation === "count" ? ["count"] : operation === "aggregate" ? list(aggregations).map(text) : [];
      return calcs.map((calc) => aggregate(field, rows, calc, config));
    });
    const fields = keys.map((field) => ({
      ...field,
      values: rows.map(([i = 0]) => field.values[i] ?? null),
    }));
    return [{ ...frame, fields: [...fields, ...calculated] }];
  });
}

/** Calculations that give one of the cells as it is, whether it is a number or not. */
const PICKS: Partial<Record<string, (cells: Cell[]) => Cell>> = {
  first: (cells) => cells[0] ?? null,
  firstNotNull: (cells) => cells.find((cell) => cell !== null) ?? null,
  last: (cells) => cells.at(-1) ?? null,
  lastNotNull: (cells) => cells.findLast((cell) => cell !== null) ?? null,
};

/** Returns a column of what a calculation makes of each group of rows. */
function aggregate(field: Field, groups: number[][], calc: string, config: FieldConfig): Field {
  const title = `${field.title} (${calc})`;
  const cells = groups.map((rows) => rows.map((i) => field.values[i] ?? null));
  const pick = PICKS[calc];
  if (pick !== undefined) {
    return makeField(title, field.kind, cells.map(pick), config);
  }
  if (calc === "allValues" || calc === "uniqueValues") {
    const texts = cells.map((some) => (calc === "allValues" ? some : [...new Set(some)]).join(", "));
    return makeField(title, "string", texts, config);
  }
  const kind = field.kind === "time" && (calc === "min" || calc === "max") ? "time" : "number";
  const values = cells.map((some) =>
    calc === "distinctCount" ? new Set(some).size : reduceValues(some.map(toNumber), calc),
  );
  return makeField(title, kind, values, config);
}
