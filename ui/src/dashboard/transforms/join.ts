/** Several frames made into one: merged, side by side, or one below the other. */

import type { FieldConfig } from "../../api/dashboards";
import { type Cell, type DataFrame, type Field, makeField, rowCount } from "../../data/fields";
import { list, type Options, text } from "../options";
import { named, renamed } from "./columns";
import { rowIndexes } from "./rows";

/** Puts frames into one table: rows that are alike in the columns which all of them have become one. */
export function merge(frames: DataFrame[]): DataFrame[] {
  const [first] = frames;
  if (first === undefined || frames.length === 1) {
    return frames;
  }
  const keys = first.fields
    .map((field) => field.title)
    .filter((name) => frames.every((one) => one.fields.some((field) => field.title === name)));
  const columns = new Map<string, Field>();
  for (const field of frames.flatMap((frame) => frame.fields)) {
    if (!columns.has(field.title)) {
      columns.set(field.title, { ...field, values: [] });
    }
  }
  const rows: Map<string, Cell>[] = [];
  const known = new Map<string, Map<string, Cell>[]>();
  for (const frame of frames) {
    for (const i of rowIndexes(frame)) {
      const row = new Map(frame.fields.map((field) => [field.title, field.values[i] ?? null]));
      const key = JSON.stringify(keys.map((name) => row.get(name)));
      const alike = known.get(key) ?? [];
      known.set(key, alike);
      // Without a column that all have, no two rows are of one thing.
      const free =
        keys.length === 0
          ? undefined
          : alike.find((other) =>
              [...row].every(
                ([name, cell]) => keys.includes(name) || !other.has(name) || other.get(name) === cell,
              ),
            );
      if (free === undefined) {
        rows.push(row);
        alike.push(row);
      } else {
        row.forEach((cell, name) => free.set(name, cell));
      }
    }
  }
  const fields = [...columns].map(([name, field]) => ({
    ...field,
    values: rows.map((row) => row.get(name) ?? null),
  }));
  return [{ refId: first.refId, name: "", fields }];
}

/** Puts frames side by side, a row for each value of one field, which is the time where none is named. */
export function join(frames: DataFrame[], options: Options): DataFrame[] {
  const wanted = text(options["byField"]);
  const keyOf = (frame: DataFrame): Field | undefined =>
    frame.fields.find((field) => (wanted === "" ? field.kind === "time" : named(field, wanted)));
  const joined = frames.filter((frame) => keyOf(frame) !== undefined);
  const [first] = joined;
  const firstKey = first === undefined ? undefined : keyOf(first);
  if (first === undefined || firstKey === undefined) {
    return frames;
  }
  const inner = options["mode"] === "inner";
  const rows = new Map<Cell, Map<number, number>>();
  joined.forEach((frame, f) => {
    keyOf(frame)?.values.forEach((value, i) => {
      const row = rows.get(value) ?? new Map<number, number>();
      rows.set(value, row.set(f, i));
    });
  });
  let entries = [...rows].filter(([, row]) => !inner || row.size === joined.length);
  if (firstKey.kind === "time") {
    entries = entries.sort((a, b) => Number(a[0]) - Number(b[0]));
  }
  const others = joined.flatMap((frame, f) => {
    const key = keyOf(frame);
    return frame.fields
      .filter((field) => field !== key)
      .map((field) => ({
        ...field,
        values: entries.map(([, row]) => {
          const at = row.get(f);
          return at === undefined ? null : (field.values[at] ?? null);
        }),
      }));
  });
  return [
    {
      refId: first.refId,
      name: "",
      fields: [{ ...firstKey, values: entries.map(([value]) => value) }, ...distinctTitles(others, joined)],
    },
  ];
}

/** Columns of one name are told apart by their number, as in Grafana. */
function distinctTitles(fields: Field[], frames: readonly DataFrame[]): Field[] {
  const counts = new Map<string, number>();
  return fields.map((field) => {
    const count = (counts.get(field.title) ?? 0) + 1;
    counts.set(field.title, count);
    return count === 1 || frames.length < 2 ? field : renamed(field, `${field.title} ${String(count)}`);
  });
}

export function seriesToRows(frames: DataFrame[], _: Options, config: FieldConfig): DataFrame[] {
  const rows = frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.kind === "time");
    return frame.fields
      .filter((field) => field.kind === "number")
      .flatMap((field) =>
        field.values.map((value, i) => ({ time: time?.values[i] ?? null, name: field.title, value })),
      );
  });
  rows.sort((a, b) => Number(b.time) - Number(a.time));
  return [
    {
      refId: "",
      name: "",
      fields: [
        makeField(
          "Time",
          "time",
          rows.map((row) => row.time),
          config,
        ),
        makeField(
          "Metric",
          "string",
          rows.map((row) => row.name),
          config,
        ),
        makeField(
          "Value",
          "number",
          rows.map((row) => row.value),
          config,
        ),
      ],
    },
  ];
}

export function labelsToFields(frames: DataFrame[], options: Options, config: FieldConfig): DataFrame[] {
  const keep = list(options["keepLabels"]).map(text);
  const kept = (label: string): boolean => keep.length === 0 || keep.includes(label);
  if (options["mode"] === "rows") {
    const fields = frames.flatMap((frame) =>
      frame.fields.filter((field) => Object.keys(field.labels).length > 0),
    );
    return fields.map((field) => {
      const entries = Object.entries(field.labels).filter(([label]) => kept(label));
      return {
        refId: "",
        name: field.title,
        fields: [
          makeField(
            "label",
            "string",
            entries.map(([label]) => label),
            config,
          ),
          makeField(
            "value",
            "string",
            entries.map(([, value]) => value),
            config,
          ),
        ],
      };
    });
  }
  const valueLabel = text(options["valueLabel"]);
  const made = frames.map((frame) => {
    const count = rowCount(frame);
    const labelled = frame.fields.filter((field) => Object.keys(field.labels).length > 0);
    const columns = labelNames(labelled)
      .filter((label) => kept(label) && label !== valueLabel)
      .map((label) =>
        makeField(label, "string", new Array<Cell>(count).fill(labelled[0]?.labels[label] ?? null), config),
      );
    const fields = frame.fields.map((field) => {
      const value = field.labels[valueLabel];
      return field.kind === "time" ? field : { ...field, labels: {}, title: value ?? field.name };
    });
    const times = fields.filter((field) => field.kind === "time");
    return { ...frame, fields: [...times, ...columns, ...fields.filter((field) => field.kind !== "time")] };
  });
  return merge(made);
}

export function labelNames(fields: readonly Field[]): string[] {
  return [...new Set(fields.flatMap((field) => Object.keys(field.labels)))].sort();
}
