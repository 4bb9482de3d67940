/** The dashboards, as the server reads them from Grafana's files. Times are Unix milliseconds unless said otherwise. */

import { OWN, get, postText } from "./http";

export interface DashboardEntry {
  uid: string;
  title: string;
  description: string;
  tags: string[];
}

export interface Dashboard extends DashboardEntry {
  /** How many times faster than real time the observatory runs: the queries' durations are divided by it. */
  time_factor: number;
  /** Seconds between two scrapes, as the scrape file says it. */
  scrape_interval: number;
  /** Milliseconds of real time. */
  default_range_ms: number;
  refresh_ms: number | null;
  /** Whether charts share the pointer's place ("crosshair") and show their tooltips together ("tooltip"). */
  tooltip: "off" | "crosshair" | "tooltip";
  variables: Variable[];
  annotations: AnnotationQuery[];
  links: DashboardLink[];
  sections: Section[];
  unsupported: string[];
}

/** A row and what is under it; what stands before the first row is one without a title. */
export interface Section {
  id: number;
  /** null where there is no row. */
  title: string | null;
  collapsed: boolean;
  /** The name of the variable for each value of which the row is shown, or "". */
  repeat: string;
  panels: Panel[];
}

export type PanelType = keyof PanelOptions;

/**
 * One panel. `type` is one of PanelType, or another name, which the page cannot draw; then `options` is empty.
 *
 * Texts hold variables as written: titles, descriptions, links, targets, intervals, display names.
 */
export interface Panel<T extends PanelType = PanelType> {
  /** Of its own in the dashboard; of a repeated panel the copies share it. */
  id: number;
  type: T;
  title: string;
  description: string;
  transparent: boolean;
  /** A place within its section: 24 columns, rows of 30 pixels. */
  grid: Grid;
  repeat: { variable: string; direction: "h" | "v"; max_per_row: number } | null;
  links: Link[];
  /** The least step as written, such as "1m" or ">30s", or "". */
  interval: string;
  max_data_points: number | null;
  /** Another range than the dashboard's: "now-1h" or "1h", or "". */
  time_from: string;
  /** How much earlier it is shown: "1d", or "". */
  time_shift: string;
  hide_time_override: boolean;
  targets: Target[];
  transformations: Transformation[];
  field: FieldConfig;
  overrides: Override[];
  options: PanelOptions[T];
  /** What of the file the page does not honour. */
  unsupported: string[];
}

export interface Grid {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** One query of a panel. */
export interface Target {
  ref_id: string;
  /** Where it is asked; null where it cannot be run here, and the panel's `unsupported` says why. */
  source: "prometheus" | "logs" | "traces" | null;
  /** PromQL, or a query of log lines; as written, with variables. */
  expr: string;
  legend_format: string;
  /** "table": rows of labels and values; "heatmap": series by their `le` are buckets. */
  format: "time_series" | "table" | "heatmap";
  /** Asked for the end of the range alone. */
  instant: boolean;
  exemplar: boolean;
  /** The least step as written, or "". */
  interval: string;
  /** The step is this many times as long as it would be. */
  interval_factor: number;
  /** Of log lines: the lines themselves, or how many there are in each step. */
  logs: "lines" | "count";
  /** Of traces: what is searched, or the one that is shown. */
  traces: TraceSearch | null;
}

export interface TraceSearch {
  /** The search is for this one alone where not "". */
  trace_id: string;
  service: string;
  operation: string;
  /** `key=value` each. */
  attributes: string[];
  min_duration: string;
  max_duration: string;
  limit: number;
}

/** Where a link leads; both texts hold variables. */
export interface Link {
  title: string;
  url: string;
  new_tab: boolean;
}

/** A transformation of the queries' results that the page knows, with its options as the file has them. */
export interface Transformation {
  id: string;
  options: Record<string, unknown>;
}

/** How the values of a field are shown. */
export interface FieldConfig {
  unit: string;
  decimals: number | null;
  min: number | null;
  max: number | null;
  /** A name in place of the legend's, or "". */
  display_name: string;
  /** What is shown where there is no value; null where the file says nothing. */
  no_value: string | null;
  color: FieldColor;
  thresholds: Thresholds;
  mappings: ValueMapping[];
  /** Data links: of a point, a value or a cell. */
  links: Link[];
  custom: FieldStyle;
}

export interface FieldColor {
  /**
   * "thresholds", "fixed", "shades", "palette-classic", "palette-classic-by-name" or "continuous-…", such as
   * "continuous-GrYlRd".
   */
  mode: string;
  fixed: string;
  /** By which of its values a series gets its colour, where thresholds or a scale give it. */
  series_by: "last" | "min" | "max";
}

export interface Thresholds {
  /** Percentages are of the way from the field's minimum to its maximum. */
  mode: "absolute" | "percentage";
  steps: Threshold[];
}

/** The colour from `value` upward; null for the base. */
export interface Threshold {
  value: number | null;
  color: string;
}

/** What is shown in place of some values; the first that fits holds. */
export type ValueMapping = { text: string | null; color: string | null } & (
  | { type: "value"; value: string }
  | { type: "range"; from: number | null; to: number | null }
  | { type: "regex"; pattern: string }
  | { type: "special"; match: "null" | "nan" | "null+nan" | "true" | "false" | "empty" }
);

/** How a field is drawn; each type of panel reads what it knows. */
export interface FieldStyle {
  draw_style: "line" | "bars" | "points";
  interpolation: "linear" | "smooth" | "stepBefore" | "stepAfter";
  line_width: number;
  line_style: { fill: "solid" | "dash" | "dot"; dash: number[] };
  /** Percent. */
  fill_opacity: number;
  gradient: "none" | "opacity" | "hue" | "scheme";
  /** The name of the series down to which the area is filled, or "". */
  fill_below_to: string;
  /** Whether a line goes over gaps: never, always, or over those of fewer milliseconds. */
  span_nulls: boolean | number;
  show_points: "auto" | "never" | "always";
  point_size: number;
  bar_alignment: number;
  bar_width_factor: number;
  stacking: { mode: "none" | "normal" | "percent"; group: string };
  transform: "" | "constant" | "negative-Y";
  axis: {
    placement: "auto" | "left" | "right" | "hidden";
    label: string;
    soft_min: number | null;
    soft_max: number | null;
    grid: boolean | null;
    centered_zero: boolean;
    color_mode: "text" | "series";
  };
  scale: { type: "linear" | "log" | "symlog"; log: number; linear_threshold: number };
  threshold_style: "off" | "line" | "dashed" | "area" | "line+area" | "dashed+area" | "series";
  hide: { legend: boolean; tooltip: boolean; viz: boolean };
  /** Of a table's cells and columns; sizes in pixels. */
  cell: {
    type: "auto" | "color-text" | "color-background" | "gauge" | "json-view";
    wrap: boolean;
  };
  align: "auto" | "left" | "center" | "right";
  width: number | null;
  min_width: number | null;
  hidden: boolean;
  filterable: boolean;
}

/** What an override sets, of the fields that its matcher finds; later ones win. */
export interface Override {
  matcher: {
    id: "byName" | "byRegexp" | "byFrameRefID" | "byType" | "byNames" | "byValue";
    /** A name, a regular expression (with or without slashes), a query's refId, a type; of byNames several. */
    options: string;
    names: string[];
    /** Of byNames: all but these. */
    exclude: boolean;
    /** Of byValue: the reduced value of the series is compared with this one. */
    reducer: string;
    op: string;
    value: number;
  };
  set: Partial<Omit<FieldConfig, "custom">> & { custom?: Partial<FieldStyle> };
}

export interface LegendOptions {
  show: boolean;
  mode: "list" | "table";
  placement: "bottom" | "right";
  /** The names of reducers, such as "lastNotNull", "mean" and "max". */
  calcs: string[];
  sort_by: string;
  sort_desc: boolean;
}

export interface TooltipOptions {
  mode: "single" | "multi" | "none";
  sort: "none" | "asc" | "desc";
  hide_zeros: boolean;
}

export interface ReduceOptions {
  /** Every row is shown, none reduced, at most `limit`. */
  values: boolean;
  calcs: string[];
  limit: number | null;
  /** A regular expression of the names of fields (with slashes), a name, or "" for those that are numbers. */
  fields: string;
}

export interface PanelOptions {
  timeseries: { legend: LegendOptions; tooltip: TooltipOptions };
  stat: {
    reduce: ReduceOptions;
    orientation: "auto" | "horizontal" | "vertical";
    text_mode: "auto" | "value" | "value_and_name" | "name" | "none";
    color_mode: "none" | "value" | "background" | "background_solid";
    graph_mode: "none" | "area";
    justify: "auto" | "center";
    percent_change: boolean;
    percent_change_color: "standard" | "inverted" | "same_as_value";
  };
  gauge: {
    reduce: ReduceOptions;
    orientation: "auto" | "horizontal" | "vertical";
    threshold_labels: boolean;
    threshold_markers: boolean;
  };
  bargauge: {
    reduce: ReduceOptions;
    orientation: "auto" | "horizontal" | "vertical";
    display_mode: "basic" | "gradient" | "lcd";
    value_mode: "color" | "text" | "hidden";
    name_placement: "auto" | "top" | "left" | "hidden";
    show_unfilled: boolean;
  };
  table: {
    show_header: boolean;
    cell_height: "sm" | "md" | "lg";
    sort_by: { name: string; desc: boolean }[];
    /** `fields` is empty for all numbers. */
    footer: { show: boolean; calcs: string[]; fields: string[]; count_rows: boolean };
    /** Which of the results is shown where they are several. */
    frame: number;
  };
  heatmap: {
    /** Values are counted into buckets here, not taken as buckets. */
    calculate: boolean;
    /** Of calculated ones: how many buckets there are at most, or how wide one is, 0 where the file does not say. */
    y_buckets: { count: number; size: number };
    color: {
      mode: "scheme" | "opacity";
      scheme: string;
      fill: string;
      reverse: boolean;
      steps: number;
      exponent: number;
      min: number | null;
      max: number | null;
    };
    y_axis: {
      unit: string;
      decimals: number | null;
      placement: "left" | "right" | "hidden";
      label: string;
    };
    /** What is shown of a bucket's place: whether `le` is its upper bound, or what the series are named is its name. */
    layout: "auto" | "le" | "unknown";
    /** Cells with this value or less are left empty. */
    filter_below: number | null;
    cell_gap: number;
    legend: boolean;
    tooltip: boolean;
  };
  "state-timeline": {
    merge: boolean;
    show_value: "auto" | "always" | "never";
    align: "left" | "center" | "right";
    row_height: number;
    legend: LegendOptions;
    tooltip: TooltipOptions;
  };
  "status-history": {
    show_value: "auto" | "always" | "never";
    row_height: number;
    col_width: number;
    legend: LegendOptions;
    tooltip: TooltipOptions;
  };
  barchart: {
    orientation: "auto" | "horizontal" | "vertical";
    stacking: "none" | "normal" | "percent";
    show_value: "auto" | "always" | "never";
    /** The field whose values stand on the axis, or "". */
    x_field: string;
    group_width: number;
    legend: LegendOptions;
    tooltip: TooltipOptions;
  };
  piechart: {
    reduce: ReduceOptions;
    pie_type: "pie" | "donut";
    labels: ("name" | "value" | "percent")[];
    legend: LegendOptions & { values: ("value" | "percent")[] };
    sort: "asc" | "desc" | "none";
  };
  /** `html` has been cleaned by the server; of mode "code" it is "" and `content` is shown as it is written. */
  text: { mode: "html" | "code"; html: string; content: string };
  logs: {
    wrap: boolean;
    newest_first: boolean;
  };
  traces: Record<string, never>;
}

export interface Variable {
  name: string;
  /** What it is called on the page. */
  label: string;
  description: string;
  type: "query" | "custom" | "interval" | "constant" | "textbox" | "datasource";
  /** "label": shown without its name; "all": not shown. */
  hide: "" | "label" | "all";
  multi: boolean;
  include_all: boolean;
  /** What stands for all of them in a query, as it is; "" for the values themselves. */
  all_value: string;
  /** Of type "query": what is asked, in texts that hold variables. */
  query: VariableQuery | null;
  /** Those of the file; of type "query" they are asked. */
  options: VariableOption[];
  /** Chosen at first; "$__all" for all. */
  current: string[];
  /** With its slashes and flags, or "". A group `value` or `text`, or else the first one, is what is taken. */
  regex: string;
  sort: { by: "none" | "alpha" | "number" | "alpha-ci" | "natural"; desc: boolean };
  /** Of type "interval": the range is parted into `count` steps of at least `min`. */
  auto: { count: number; min: string } | null;
}

export interface VariableOption {
  text: string;
  value: string;
}

export interface VariableQuery {
  kind: "label_values" | "label_names" | "metrics" | "query_result" | "series";
  /** Of label_values: the label. */
  label: string;
  /** A selector, a pattern of names, or an expression; "" where none is given. */
  text: string;
}

export interface AnnotationQuery {
  name: string;
  /** Shown at first. */
  enable: boolean;
  /** Whether it can be switched on the page. */
  hide: boolean;
  color: string;
  expr: string;
  /** As written, or "". */
  step: string;
  title_format: string;
  text_format: string;
  tag_keys: string[];
  /** A sample's value is the moment, in Unix milliseconds. */
  value_is_time: boolean;
  /** The panels that it is drawn on, or not drawn on; all where null. */
  panels: { exclude: boolean; ids: number[] } | null;
}

export interface DashboardLink {
  type: "link" | "dashboards";
  title: string;
  tooltip: string;
  url: string;
  /** Of type "dashboards": those with all of these tags. */
  tags: string[];
  as_dropdown: boolean;
  keep_time: boolean;
  keep_variables: boolean;
  new_tab: boolean;
}

export function getDashboards(signal: AbortSignal): Promise<DashboardEntry[]> {
  return get(`${OWN}/dashboards`, {}, signal);
}

export function getDashboard(uid: string, signal: AbortSignal): Promise<Dashboard> {
  return get(`${OWN}/dashboards/${encodeURIComponent(uid)}`, {}, signal);
}

/** Has the server read a dashboard file, which it does not keep. */
export function readDashboard(name: string, text: string, signal: AbortSignal): Promise<Dashboard> {
  return postText(`${OWN}/read-dashboard?name=${encodeURIComponent(name)}`, text, signal);
}

/** Returns an expression with its durations divided by the observatory's time factor. */
export async function scaleQuery(query: string, signal: AbortSignal): Promise<string> {
  return (await get<{ query: string }>(`${OWN}/scaled-query`, { query }, signal)).query;
}
