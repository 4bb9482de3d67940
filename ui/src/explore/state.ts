/**
 * What Explore shows, as it stands in the URL, so that it can be shared.
 *
 * `expr`, once for each query, with `A.legend` and `A.hide` for the first, `B.…` for the second; `query` for logs and
 * traces, and `lang`, which is metrics where it is not there. The pane on the right has the same under names that
 * begin with `right.`; the range of time is of both.
 */

export type Lang = "metrics" | "logs" | "traces";
export type Show = "both" | "graph" | "table";
export type Draw = "lines" | "stacked" | "bars" | "points";

export interface Query {
  expr: string;
  /** As Grafana's legends: `{{label}}`. */
  legend: string;
  hidden: boolean;
}

export interface Pane {
  lang: Lang;
  queries: Query[];
  /** The query of logs or traces. */
  text: string;
  show: Show;
  draw: Draw;
  unit: string;
  /** Of a graph's points, as it was typed; "" where it follows from the range. */
  step: string;
  threshold: string;
  /** The table's column and direction, such as "value:desc". */
  sort: string;
  /** Values as they were answered, without units. */
  raw: boolean;
  exemplars: boolean;
}

export const LANGS: readonly Lang[] = ["metrics", "logs", "traces"];
export const SHOWS: readonly Show[] = ["both", "graph", "table"];
export const DRAWS: readonly Draw[] = ["lines", "stacked", "bars", "points"];
export const MOST_QUERIES = 26;
export const RIGHT = "right.";

const NAMES = [
  "lang",
  "expr",
  "query",
  "show",
  "draw",
  "unit",
  "step",
  "threshold",
  "sort",
  "raw",
  "exemplars",
];

/** A, B, … */
export function letter(index: number): string {
  return String.fromCharCode(65 + index);
}

export function emptyQuery(expr = ""): Query {
  return { expr, legend: "", hidden: false };
}

/** Reads a pane; what makes no sense is as if it were not there. There is always a query. */
export function readPane(params: URLSearchParams, prefix: string): Pane {
  const get = (name: string): string => params.get(prefix + name) ?? "";
  const queries = params
    .getAll(`${prefix}expr`)
    .slice(0, MOST_QUERIES)
    .map((expr, i) => ({
      expr: lines(expr),
      legend: get(`${letter(i)}.legend`),
      hidden: get(`${letter(i)}.hide`) === "1",
    }));
  return {
    lang: oneOf(LANGS, get("lang"), "metrics"),
    queries: queries.length === 0 ? [emptyQuery()] : queries,
    text: lines(get("query")),
    show: oneOf(SHOWS, get("show"), "both"),
    draw: oneOf(DRAWS, get("draw"), "lines"),
    unit: get("unit") || "short",
    step: get("step"),
    threshold: get("threshold"),
    sort: get("sort"),
    raw: get("raw") === "1",
    exemplars: get("exemplars") === "1",
  };
}

/** Returns the parameters with a pane's set anew, and all others as they were. */
export function writePane(params: URLSearchParams, prefix: string, pane: Pane): URLSearchParams {
  const written = dropPane(params, prefix);
  const set = (name: string, value: string, usual = ""): void => {
    if (value !== usual) {
      written.set(prefix + name, value);
    }
  };
  set("lang", pane.lang, "metrics");
  const filled = pane.queries.length > 1 || pane.queries[0]?.expr !== "";
  pane.queries.forEach((query, i) => {
    if (filled) {
      written.append(`${prefix}expr`, query.expr);
    }
    set(`${letter(i)}.legend`, query.legend);
    set(`${letter(i)}.hide`, query.hidden ? "1" : "");
  });
  set("query", pane.text);
  set("show", pane.show, "both");
  set("draw", pane.draw, "lines");
  set("unit", pane.unit, "short");
  set("step", pane.step);
  set("threshold", pane.threshold);
  set("sort", pane.sort);
  set("raw", pane.raw ? "1" : "");
  set("exemplars", pane.exemplars ? "1" : "");
  return written;
}

/** Returns the parameters without those of a pane. */
export function dropPane(params: URLSearchParams, prefix: string): URLSearchParams {
  const left = new URLSearchParams(params);
  for (const name of new Set(params.keys())) {
    if (name.startsWith(prefix) && isOfPane(name.slice(prefix.length))) {
      left.delete(name);
    }
  }
  return left;
}

/** An editor breaks lines in one way alone, and places of errors count as it does. */
function lines(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

function isOfPane(name: string): boolean {
  return NAMES.includes(name) || /^[A-Z]\.(legend|hide)$/.test(name);
}

function oneOf<T extends string>(values: readonly T[], text: string, usual: T): T {
  return values.find((value) => value === text) ?? usual;
}
