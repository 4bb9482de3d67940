/** Annotations: what happened, as moments and periods over the charts of a dashboard. */

import type { AnnotationQuery, Dashboard } from "../api/dashboards";
import { queryRange, type Labels, type MatrixSeries } from "../api/metrics";
import { builtIns, readSeconds, scaled, type PanelContext, type Shown } from "./queries";
import { replaceVariables } from "./variables";

export interface AnnotationMark {
  /** Unix seconds. */
  at: number;
  /** The end of a period; null for a moment. */
  until: number | null;
  /** A CSS custom property that holds the colour. */
  color: string;
  label: string;
  tags: string[];
  /** The name of the query that it comes from. */
  query: string;
}

/** What is marked where a dashboard asks for no deployments: every version's first sample. */
const DEPLOYMENTS: AnnotationQuery = {
  name: "Deployments",
  enable: true,
  hide: false,
  color: "blue",
  expr: "accelerapp_build_info unless accelerapp_build_info offset 1m",
  step: "",
  title_format: "{{service}} {{version}}",
  text_format: "revision {{revision}}",
  tag_keys: [],
  value_is_time: false,
  panels: null,
};

/** Returns the dashboard's own queries, and that of deployments where none of them is. */
export function annotationQueries(dashboard: Dashboard): AnnotationQuery[] {
  const own = dashboard.annotations;
  return own.some((one) => one.expr.includes("accelerapp_build_info")) ? own : [...own, DEPLOYMENTS];
}

/** In seconds as written; a minute as in Grafana. */
const STEP = 60;
const MOST_STEPS = 10_000;
export const MOST_MARKS = 500;

/** Asks for what happened in a range. Rejects with an Error that can be shown. */
export async function loadAnnotations(
  query: AnnotationQuery,
  shown: Shown,
  context: PanelContext,
  signal: AbortSignal,
): Promise<AnnotationMark[]> {
  const { dashboard, values } = context;
  const written = readSeconds(replaceVariables(query.step, values).replace(/^[>=\s]+/, "")) ?? STEP;
  const width = (shown.to - shown.from) / 1000;
  const step = Math.max(written / dashboard.time_factor, width / MOST_STEPS);
  const text = replaceVariables(query.expr, values, "prometheus", builtIns(shown, step, context));
  const end = Math.floor(shown.to / 1000 / step) * step;
  const start = Math.ceil(shown.from / 1000 / step) * step;
  const expression = await scaled(text, dashboard, signal);
  const found = await queryRange(expression, { start: Math.min(start, end), end, step }, signal);
  return makeMarks(query, found, step).slice(-MOST_MARKS);
}

/** Makes marks of a query's samples: those that follow each other without a gap are one period. */
export function makeMarks(query: AnnotationQuery, found: MatrixSeries[], step: number): AnnotationMark[] {
  const color = nearestHue(query.color);
  const marks = found.flatMap(({ metric, values = [] }) => {
    const made: AnnotationMark[] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const [time, text] of values) {
      const value = Number(text);
      // A comparison with `bool` answers 0 where nothing happened.
      if (!Number.isFinite(value) || (value === 0 && !query.value_is_time)) {
        continue;
      }
      if (query.value_is_time) {
        const at = value / 1000;
        if (made.at(-1)?.at !== at) {
          made.push(mark(query, metric, at, color));
        }
        continue;
      }
      const before = made.at(-1);
      if (before !== undefined && time - last <= step * 1.5) {
        before.until = time;
      } else {
        made.push(mark(query, metric, time, color));
      }
      last = time;
    }
    return made;
  });
  return marks.sort((a, b) => a.at - b.at);
}

function mark(query: AnnotationQuery, metric: Labels, at: number, color: string): AnnotationMark {
  const fill = (format: string): string =>
    format.replace(/\{\{\s*([^{}]+?)\s*\}\}/g, (_, label: string) => metric[label] ?? "").trim();
  const title = query.title_format === "" ? query.name : fill(query.title_format);
  const label = [title, fill(query.text_format)].filter((text) => text !== "").join(", ");
  const tags = query.tag_keys.flatMap((key) => metric[key] ?? []);
  return { at, until: null, color, label: label === "" ? query.name : label, tags, query: query.name };
}

const HUES: [string, number][] = [
  ["red", 0],
  ["orange", 28],
  ["yellow", 50],
  ["green", 130],
  ["blue", 215],
  ["purple", 285],
  ["red", 360],
];

/** Returns the theme's hue that is nearest to a colour, which has enough contrast on both themes. */
export function nearestHue(color: string): string {
  const name = color.replace(/^(semi-dark|dark|super-light|light)-/, "");
  if (HUES.some(([hue]) => hue === name)) {
    return `--hue-${name}`;
  }
  const parts = channels(color);
  if (parts === null) {
    return "--accent";
  }
  const [red, green, blue] = parts;
  const high = Math.max(red, green, blue);
  const spread = high - Math.min(red, green, blue);
  if (spread === 0) {
    return "--accent";
  }
  const sixth =
    high === red
      ? ((green - blue) / spread + 6) % 6
      : high === green
        ? (blue - red) / spread + 2
        : (red - green) / spread + 4;
  const angle = sixth * 60;
  const [nearest] = HUES.toSorted((a, b) => Math.abs(a[1] - angle) - Math.abs(b[1] - angle));
  return `--hue-${nearest?.[0] ?? "blue"}`;
}

function channels(color: string): [number, number, number] | null {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(color);
  const rgb = /^rgba?\(\s*(\d+)[,\s]+(\d+)[,\s]+(\d+)/.exec(color);
  if (hex !== null) {
    return [parseInt(hex[1] ?? "", 16), parseInt(hex[2] ?? "", 16), parseInt(hex[3] ?? "", 16)];
  }
  return rgb === null ? null : [Number(rgb[1]), Number(rgb[2]), Number(rgb[3])];
}

/** Returns the marks that a panel shows. */
export function marksOf(
  panelId: number,
  queries: AnnotationQuery[],
  loaded: ReadonlyMap<string, AnnotationMark[]>,
): AnnotationMark[] {
  return queries.flatMap((query) => {
    const { panels } = query;
    const drawn = panels === null || panels.ids.includes(panelId) !== panels.exclude;
    return drawn ? (loaded.get(query.name) ?? []) : [];
  });
}
