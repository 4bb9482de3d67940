/** The regular expressions of a dashboard's file, which are JavaScript's, as in Grafana. */

import type { Panel } from "../api/dashboards";
import { isObject, object, text } from "./options";

/** Reads `/pattern/flags`, or a pattern that must fit from start to end; null where it is none. */
export function readPattern(text: string): RegExp | null {
  const slashed = /^\/(.*)\/([a-z]*)$/s.exec(text);
  try {
    return slashed === null
      ? new RegExp(`^${text}$`)
      : new RegExp(slashed[1] ?? "", (slashed[2] ?? "").replace(/[^ims]/g, ""));
  } catch {
    return null;
  }
}

/** A pattern without slashes is searched anywhere where a transformation has it. */
export function asSearch(pattern: string): string {
  return pattern.startsWith("/") ? pattern : `/${pattern}/`;
}

/** Returns the patterns of a panel that no browser can read: what they are to find is not found. */
export function unreadPatterns(panel: Pick<Panel, "field" | "overrides" | "transformations">): string[] {
  const mappings = [panel.field, ...panel.overrides.map((one) => one.set)].flatMap(
    (one) => one.mappings ?? [],
  );
  const patterns = [
    ...panel.overrides.flatMap(({ matcher }) => (matcher.id === "byRegexp" ? matcher.options : [])),
    ...mappings.flatMap((one) => (one.type === "regex" ? one.pattern : [])),
    ...panel.transformations.flatMap(({ options: { regex, include, exclude } }) => [
      asSearch(text(regex)),
      ...[include, exclude].filter(isObject).map((one) => text(object(one)["pattern"])),
    ]),
  ];
  return [...new Set(patterns.filter((one) => readPattern(one) === null))];
}
