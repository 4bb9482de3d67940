/** Grafana's transformations of the results of queries, by their ids. */

import type { FieldConfig, Transformation } from "../api/dashboards";
import { type Cell, type DataFrame, type Field, makeField, numbers, rowCount, toNumber } from "./data";
import { readPattern } from "./display";
import { isObject, list, object, text, yes } from "./options";
import { calcTitle, reduceValues } from "./reduce";

type Options = Record<string, unknown>;
type Transform = (frames: DataFrame[], options: Options, config: FieldConfig) => DataFrame[];

const TRANSFORMS: Record<string, Transform> = {
  organize,
  filterFieldsByName: filterByName,
  filterByRefId: (frames, options) => {
    const pattern = anyPattern(text(options["include"]));
    return frames.filter((frame) => pattern(frame.refId));
  },
  renameByRegex,
  reduce,
  merge: (frames) => merge(frames),
  joinByField: join,
  seriesToColumns: join,
  seriesToRows,
  labelsToFields,
  sortBy,
  groupBy,
  calculateField: calculate,
  filterByValue,
  limit: (frames, options) =>
    frames.map((frame) => take(frame, rowIndexes(frame).slice(0, Number(options["limitField"] ?? 10)))),
  concatenate: (frames) =>
    frames.length < 2 ? frames : [{ refId: "", name: "", fields: frames.flatMap((one) => one.fields) }],
  prepareTimeSeries: (frames) => frames,
};

/** Applies transformations one after another; one that is not known leaves the frames as they are. */
export function transform(
  frames: DataFrame[],
  steps: readonly Transformation[],
  config: FieldConfig,
): DataFrame[] {
  return steps.reduce(
    (done, step) =>
      (isKnownTransform(step.id) ? TRANSFORMS[step.id]?.(done, step.options, config) : undefined) ?? done,
    frames,
  );
}

export function isKnownTransform(id: string): boolean {
  return Object.hasOwn(TRANSFORMS, id);
}

function rowIndexes(frame: DataFrame): number[] {
  return Array.from({ length: rowCount(frame) }, (_, i) => i);
}

/** Returns a frame of the rows at these indexes, in their order. */
function take(frame: DataFrame, indexes: readonly number[]): DataFrame {
  return {
    ...frame,
    fields: frame.fields.map((field) => ({ ...field, values: indexes.map((i) => field.values[i] ?? null) })),
  };
}

function named(field: Field, name: string): boolean {
  return field.title === name || field.name === name;
}

function renamed(field: Field, name: string): Field {
  return { ...field, title: name };
}

function organize(frames: DataFrame[], options: Options): DataFrame[] {
  const hidden = object(options["excludeByName"]);
  const order = object(options["indexByName"]);
  const names = object(options["renameByName"]);
  const only = object(options["includeByName"]);
  const of = (map: Options, field: Field): unknown => map[field.title] ?? map[field.name];
  const restricted = Object.values(only).some((one) => one === true);
  return frames.map((frame) => {
    const fields = frame.fields
      .filter((field) => of(hidden, field) !== true && (!restricted || of(only, field) === true))
      .map((field, i) => ({ field, at: Number(of(order, field) ?? Number.NaN), i }))
      .sort((a, b) => (Number.isNaN(a.at) ? 1e6 + a.i : a.at) - (Number.isNaN(b.at) ? 1e6 + b.i : b.at))
      .map(({ field }) => {
        const name = text(of(names, field));
        return name === "" ? field : renamed(field, name);
      });
    return { ...frame, fields };
  });
}

/** A name, or a regular expression between slashes. */
function anyPattern(wanted: string): (name: string) => boolean {
  const pattern = wanted.startsWith("/") ? readPattern(wanted) : null;
  return (name) => (pattern === null ? name === wanted : pattern.test(name));
}

function filterByName(frames: DataFrame[], options: Options): DataFrame[] {
  const picks = (given: Options): ((field: Field) => boolean) | null => {
    const names = list(given["names"]).map(text);
    const pattern = text(given["pattern"]) === "" ? null : readPattern(text(given["pattern"]));
    return names.length === 0 && pattern === null
      ? null
      : (field) =>
          names.some((name) => named(field, name)) ||
          (pattern !== null && (pattern.test(field.title) || pattern.test(field.name)));
  };
  const include = picks(object(options["include"]));
  const exclude = picks(object(options["exclude"]));
  return frames
    .map((frame) => ({
      ...frame,
      fields: frame.fields.filter(
        (field) => (include === null || include(field)) && (exclude === null || !exclude(field)),
      ),
    }))
    .filter((frame) => frame.fields.length > 0);
}

function renameByRegex(frames: DataFrame[], options: Options): DataFrame[] {
  const pattern = readPattern(asSearch(text(options["regex"])));
  if (pattern === null) {
    return frames;
  }
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) =>
      field.kind === "time"
        ? field
        : renamed(field, field.title.replace(pattern, text(options["renamePattern"]))),
    ),
  }));
}

/** A pattern without slashes is searched anywhere here, as Grafana does. */
function asSearch(pattern: string): string {
  return pattern.startsWith("/") ? pattern : `/${pattern}/`;
}

function reduce(frames: DataFrame[], options: Options, config: FieldConfig): DataFrame[] {
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

function labelNames(fields: readonly Field[]): string[] {
  return [...new Set(fields.flatMap((field) => Object.keys(field.labels)))].sort();
}

/** Puts frames into one table: rows that are alike in the columns which all of them have become one. */
function merge(frames: DataFrame[]): DataFrame[] {
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
      const free = alike.find((other) =>
        [...row].every(([name, cell]) => keys.includes(name) || !other.has(name) || other.get(name) === cell),
      );
      if (free === undefined || keys.length === 0) {
        rows.push(row);
        known.set(key, [...alike, row]);
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
function join(frames: DataFrame[], options: Options): DataFrame[] {
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

function seriesToRows(frames: DataFrame[], _: Options, config: FieldConfig): DataFrame[] {
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

function labelsToFields(frames: DataFrame[], options: Options, config: FieldConfig): DataFrame[] {
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

function sortBy(frames: DataFrame[], options: Options): DataFrame[] {
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

function groupBy(frames: DataFrame[], options: Options, config: FieldConfig): DataFrame[] {
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
    const calculated = frame.fields
      .filter((field) => of(field)["operation"] === "aggregate")
      .flatMap((field) =>
        list(of(field)["aggregations"])
          .map(text)
          .map((calc) =>
            makeField(
              `${field.title} (${calc})`,
              "number",
              rows.map((indexes) =>
                reduceCells(
                  indexes.map((i) => field.values[i] ?? null),
                  calc,
                ),
              ),
              config,
            ),
          ),
      );
    const fields = keys.map((field) => ({
      ...field,
      values: rows.map(([i = 0]) => field.values[i] ?? null),
    }));
    return [{ ...frame, fields: [...fields, ...calculated] }];
  });
}

function reduceCells(cells: Cell[], calc: string): number | null {
  return calc === "distinctCount" ? new Set(cells).size : reduceValues(cells.map(toNumber), calc);
}

function calculate(frames: DataFrame[], options: Options, config: FieldConfig): DataFrame[] {
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

function filterByValue(frames: DataFrame[], options: Options): DataFrame[] {
  const filters = list(options["filters"]).filter(isObject);
  const exclude = options["type"] === "exclude";
  const all = options["match"] === "all";
  return frames.map((frame) => {
    const tests = filters.flatMap((filter) => {
      const field = frame.fields.find((one) => named(one, text(filter["fieldName"])));
      const config = object(filter["config"]);
      return field === undefined
        ? []
        : [(row: number) => meets(field.values[row] ?? null, text(config["id"]), object(config["options"]))];
    });
    if (tests.length === 0) {
      return frame;
    }
    const kept = rowIndexes(frame).filter(
      (row) => (all ? tests.every((one) => one(row)) : tests.some((one) => one(row))) !== exclude,
    );
    return take(frame, kept);
  });
}

function meets(cell: Cell, id: string, options: Options): boolean {
  const value = options["value"];
  const number = toNumber(cell);
  const other = toNumber(value as Cell);
  const both = (test: (a: number, b: number) => boolean): boolean =>
    number !== null && other !== null && test(number, other);
  switch (id) {
    case "isNull":
      return cell === null;
    case "isNotNull":
      return cell !== null;
    case "greater":
      return both((a, b) => a > b);
    case "greaterOrEqual":
      return both((a, b) => a >= b);
    case "lower":
      return both((a, b) => a < b);
    case "lowerOrEqual":
      return both((a, b) => a <= b);
    case "between":
      return number !== null && number > Number(options["from"]) && number < Number(options["to"]);
    case "equal":
      return String(cell) === String(value);
    case "notEqual":
      return String(cell) !== String(value);
    case "regex":
      return readPattern(asSearch(text(value)))?.test(String(cell)) === true;
    case "substring":
      return String(cell).toLowerCase().includes(text(value).toLowerCase());
    case "notSubstring":
      return !String(cell).toLowerCase().includes(text(value).toLowerCase());
    default:
      return true;
  }
}
