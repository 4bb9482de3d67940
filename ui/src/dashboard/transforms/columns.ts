/** Columns of frames: which there are, in which order, and under which names. */

import type { DataFrame, Field } from "../../data/fields";
import { list, object, type Options, text } from "../options";
import { asSearch, readPattern } from "../pattern";

export function named(field: Field, name: string): boolean {
  return field.title === name || field.name === name;
}

export function renamed(field: Field, name: string): Field {
  return { ...field, title: name };
}

export function organize(frames: DataFrame[], options: Options): DataFrame[] {
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

export function filterByName(frames: DataFrame[], options: Options): DataFrame[] {
  const picks = (given: Options): ((field: Field) => boolean) | null => {
    const names = list(given["names"]).map(text);
    const pattern = text(given["pattern"]) === "" ? null : readPattern(text(given["pattern"]));
    return names.length === 0 && pattern === null
      ? null
      : (field) => names.some((name) => named(field, name)) || pattern?.test(field.title) === true;
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

export function renameByRegex(frames: DataFrame[], options: Options): DataFrame[] {
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

/** A name, or a regular expression between slashes. */
export function anyPattern(wanted: string): (name: string) => boolean {
  const pattern = wanted.startsWith("/") ? readPattern(wanted) : null;
  return (name) => (pattern === null ? name === wanted : pattern.test(name));
}
