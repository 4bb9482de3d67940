/** Grafana's transformations of the results of queries, by their ids. */

import type { FieldConfig, Transformation } from "../api/dashboards";
import type { DataFrame } from "../data/fields";
import { isObject, object, type Options, text } from "./options";
import { calculate } from "./transforms/calculate";
import { anyPattern, filterByName, organize, renameByRegex } from "./transforms/columns";
import { filterByValue } from "./transforms/filter";
import { groupBy, reduce } from "./transforms/group";
import { join, labelsToFields, merge, seriesToRows } from "./transforms/join";
import { rowIndexes, sortBy, take } from "./transforms/rows";

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

/**
 * Applies transformations one after another; one that is not known leaves the frames as they are.
 *
 * @param fill fills the variables in the options' texts.
 */
export function transform(
  frames: DataFrame[],
  steps: readonly Transformation[],
  config: FieldConfig,
  fill: (text: string) => string = (text) => text,
): DataFrame[] {
  return steps.reduce(
    (done, step) =>
      (isKnownTransform(step.id)
        ? TRANSFORMS[step.id]?.(done, object(filled(step.options, fill)), config)
        : undefined) ?? done,
    frames,
  );
}

function filled(value: unknown, fill: (text: string) => string): unknown {
  if (typeof value === "string") {
    return fill(value);
  }
  if (Array.isArray(value)) {
    return value.map((one) => filled(one, fill));
  }
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filled(one, fill)]))
    : value;
}

export function isKnownTransform(id: string): boolean {
  return Object.hasOwn(TRANSFORMS, id);
}
