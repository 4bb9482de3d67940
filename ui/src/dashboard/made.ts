/** Makes fields and their settings for tests, as the server gives them where a file says nothing. */

import type { FieldConfig, FieldStyle } from "../api/dashboards";
import { type Cell, type DataFrame, type Field, makeField } from "../data/fields";

export function madeStyle(set: Partial<FieldStyle> = {}): FieldStyle {
  return {
    draw_style: "line",
    interpolation: "linear",
    line_width: 1,
    line_style: { fill: "solid", dash: [] },
    fill_opacity: 0,
    gradient: "none",
    fill_below_to: "",
    span_nulls: false,
    show_points: "auto",
    point_size: 5,
    bar_alignment: 0,
    bar_width_factor: 0.6,
    stacking: { mode: "none", group: "A" },
    transform: "",
    axis: {
      placement: "auto",
      label: "",
      soft_min: null,
      soft_max: null,
      grid: null,
      centered_zero: false,
      color_mode: "text",
    },
    scale: { type: "linear", log: 2, linear_threshold: 1 },
    threshold_style: "off",
    hide: { legend: false, tooltip: false, viz: false },
    cell: { type: "auto", wrap: false },
    align: "auto",
    width: null,
    min_width: null,
    hidden: false,
    filterable: false,
    ...set,
  };
}

export function madeConfig(set: Partial<FieldConfig> = {}): FieldConfig {
  return {
    unit: "short",
    decimals: null,
    min: null,
    max: null,
    display_name: "",
    no_value: null,
    color: { mode: "palette-classic", fixed: "", series_by: "last" },
    thresholds: { mode: "absolute", steps: [] },
    mappings: [],
    links: [],
    custom: madeStyle(),
    ...set,
  };
}

export function column(name: string, values: Cell[], more: Partial<Field> = {}): Field {
  const kind = values.some((value) => typeof value === "string") ? "string" : "number";
  return { ...makeField(name, kind, values, madeConfig()), ...more };
}

export function times(values: number[]): Field {
  return makeField("Time", "time", values, madeConfig());
}

export function frameOf(...fields: Field[]): DataFrame {
  return { refId: "A", name: "", fields };
}

/** A series as a query gives it. */
export function seriesOf(
  name: string,
  values: (number | null)[],
  labels: Record<string, string> = {},
  refId = "A",
): DataFrame {
  return {
    refId,
    name,
    fields: [times(values.map((_, i) => i * 1000)), column("Value", values, { title: name, labels })],
  };
}

/** The titles and cells of a frame, for comparison. */
export function cellsOf(frame: DataFrame | undefined): Record<string, Cell[]> {
  return Object.fromEntries((frame?.fields ?? []).map((field) => [field.title, field.values]));
}
