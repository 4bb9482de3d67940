/** Turns the fields of a panel into the series and axes of a chart over time. */

import type { FieldConfig, FieldStyle } from "../api/dashboards";
import type { PlotAxis, PlotStyle } from "../charts/plot";
import { absoluteThresholds, cssValue, isScale, seriesColor, valueColor } from "../charts/colors";
import { type DataFrame, type Field, numbers } from "../data/fields";
import { fieldLimits } from "./display";
import { distinct, type Frame, type Series, type SeriesLook } from "../data/frame";
import { reduceValues } from "./reduce";

export interface Chart {
  frame: Frame;
  style: PlotStyle;
  /** The names of the series that are not drawn at first. */
  hidden: string[];
}

/**
 * Lays the number fields of frames on one axis of time.
 *
 * @param surface the colour under the chart, from which a colour of the file must stand out.
 */
export function makeChart(frames: readonly DataFrame[], base: FieldConfig, surface: string): Chart {
  const found = frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.kind === "time");
    const fields = frame.fields.filter((field) => field.kind === "number");
    return time === undefined ? [] : fields.map((field) => ({ time, field }));
  });
  const times = union(found.map(({ time }) => time));
  const axes: PlotAxis[] = [];
  const laid = found.map(({ time, field }, i): Series => {
    const values = transformed(aligned(field, time, times), field.config.custom.transform);
    const color = fieldColor(field, i, surface, found.length);
    const axis = axisFor(axes, field, values, color);
    const negative = isNegative(values);
    return {
      name: field.title,
      values,
      field,
      negative,
      hide: field.config.custom.hide,
      look: lookOf(field, axis.key, color),
    };
  });
  const series = distinct(laid);
  return {
    frame: { times: times.map((ms) => ms / 1000), series },
    style: {
      unit: base.unit,
      decimals: base.decimals,
      min: base.min,
      max: base.max,
      thresholds: base.thresholds.steps,
      thresholdStyle: base.custom.threshold_style,
      stack: false,
      lineWidth: base.custom.line_width,
      fillOpacity: base.custom.fill_opacity,
      ...(axes.length > 0 ? { axes } : {}),
    },
    hidden: series.filter((one) => one.field?.config.custom.hide.viz === true).map((one) => one.name),
  };
}

/** The moments of all, ascending; most often they are the same ones. */
function union(times: readonly Field[]): number[] {
  const distinctTimes = [...new Set(times.map((time) => time.values))];
  const [first = []] = distinctTimes;
  if (distinctTimes.length < 2 || distinctTimes.every((one) => sameTimes(one, first))) {
    return first as number[];
  }
  return [...new Set(distinctTimes.flat() as number[])].sort((a, b) => a - b);
}

function sameTimes(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one[0] === other[0] && one.at(-1) === other.at(-1);
}

function aligned(field: Field, time: Field, times: readonly number[]): (number | null)[] {
  const values = numbers(field);
  if (sameTimes(time.values, times)) {
    return values;
  }
  const at = new Map(time.values.map((moment, i) => [moment, values[i] ?? null]));
  return times.map((moment) => at.get(moment) ?? null);
}

function transformed(values: (number | null)[], how: FieldStyle["transform"]): (number | null)[] {
  if (how === "negative-Y") {
    return values.map((value) => (value === null ? null : -value));
  }
  if (how === "constant") {
    const first = values.find((value) => value !== null) ?? null;
    return values.map(() => first);
  }
  return values;
}

function isNegative(values: readonly (number | null)[]): boolean {
  return values.reduce<number>((sum, value) => sum + Math.sign(value ?? 0), 0) < 0;
}

/**
 * Fields of one unit and one axis share a scale; the second scale stands at the right unless the file says where.
 *
 * @param color of the series, in which the file may want the axis; of several it is the first one's.
 */
function axisFor(
  axes: PlotAxis[],
  field: Field,
  values: readonly (number | null)[],
  color: string,
): PlotAxis {
  const { config } = field;
  const {
    axis: asked,
    scale,
    stacking,
    fill_opacity: fill,
    draw_style: draw,
    threshold_style: lines,
  } = config.custom;
  const percent = stacking.mode === "percent";
  const key = JSON.stringify([
    percent ? "percentunit" : config.unit,
    asked.placement === "auto" ? "" : asked.placement,
    asked.label,
    config.min,
    config.max,
    asked.soft_min,
    asked.soft_max,
    scale.type,
    scale.type === "linear" ? null : scale.log,
    asked.centered_zero,
  ]);
  const found = axes.find((one) => one.key === key);
  const zero = fill > 0 || draw === "bars" || stacking.mode !== "none";
  if (found !== undefined) {
    found.zero ||= zero;
    return found;
  }
  const limits =
    config.thresholds.mode === "percentage"
      ? fieldLimits([{ ...field, values: [...values] }], config)
      : { low: 0, high: 100 };
  const made: PlotAxis = {
    key,
    side:
      asked.placement === "right" || (asked.placement === "auto" && axes.some((one) => one.side === "left"))
        ? "right"
        : "left",
    show: asked.placement !== "hidden",
    label: asked.label,
    unit: percent ? "percentunit" : config.unit,
    decimals: config.decimals,
    min: percent ? 0 : config.min,
    max: percent ? 1 : config.max,
    softMin: asked.soft_min,
    softMax: asked.soft_max,
    scale,
    grid: asked.grid === true,
    centered: asked.centered_zero,
    zero,
    color: asked.color_mode === "series" ? color : null,
    thresholds: absoluteThresholds(config.thresholds, limits.low, limits.high),
    thresholdStyle: lines,
  };
  axes.push(made);
  return made;
}

function lookOf(field: Field, axis: string, color: string): SeriesLook {
  const { custom, color: mode } = field.config;
  const bars = custom.draw_style === "bars";
  const stacked = custom.stacking.mode !== "none";
  return {
    color,
    scheme: schemeOf(field),
    axis,
    draw: custom.draw_style,
    interpolation: custom.interpolation,
    width: bars ? Math.min(custom.line_width, 1) : custom.line_width,
    dash:
      custom.line_style.fill === "solid"
        ? []
        : custom.line_style.dash.length > 0
          ? custom.line_style.dash
          : custom.line_style.fill === "dot"
            ? [0, 10]
            : [10, 10],
    round: custom.line_style.fill === "dot",
    fill: bars ? Math.max(custom.fill_opacity, 60) : custom.fill_opacity,
    gradient: isScale(mode.mode) && custom.gradient === "none" ? "none" : custom.gradient,
    fillTo: custom.fill_below_to,
    spanNulls: custom.span_nulls,
    points: custom.show_points,
    pointSize: custom.point_size,
    barAlign: custom.bar_alignment < 0 ? -1 : custom.bar_alignment > 0 ? 1 : 0,
    barWidth: custom.bar_width_factor,
    stack: stacked ? custom.stacking.group || "A" : "",
    percent: custom.stacking.mode === "percent",
  };
}

/** A gradient by the value is asked for, rather than one colour of the whole series. */
function schemeOf(field: Field): SeriesLook["scheme"] {
  const { color, custom, thresholds } = field.config;
  if (custom.gradient !== "scheme") {
    return null;
  }
  const { low, high } = fieldLimits([field], field.config);
  if (isScale(color.mode)) {
    return { scale: color.mode, low, high };
  }
  return color.mode === "thresholds" ? { thresholds: absoluteThresholds(thresholds, low, high) } : null;
}

const SERIES_BY = { last: "lastNotNull", min: "min", max: "max" };

/** Returns the colour of a series in CSS: fixed, from the palette, or by one of its values. */
export function fieldColor(field: Field, index: number, surface: string, count = 1): string {
  const { color, thresholds } = field.config;
  const palette = seriesColor(index);
  switch (color.mode) {
    case "fixed":
      return cssValue(color.fixed, surface) ?? palette;
    case "shades": {
      const base = cssValue(color.fixed, surface) ?? palette;
      const share = Math.round(100 - (index / Math.max(count, 1)) * 55);
      return `color-mix(in srgb, ${base} ${String(share)}%, var(--text))`;
    }
    case "palette-classic-by-name":
      return seriesColor(hash(field.title) % 24);
    case "palette-classic":
      return palette;
    default: {
      const value = reduceValues(numbers(field), SERIES_BY[color.series_by]);
      const { low, high } = fieldLimits([field], field.config);
      const found = valueColor(value, color, absoluteThresholds(thresholds, low, high), low, high);
      return found === null ? palette : (cssValue(found, surface) ?? palette);
    }
  }
}

function hash(text: string): number {
  return [...text].reduce((sum, one) => (Math.imul(sum, 31) + (one.codePointAt(0) ?? 0)) >>> 0, 7);
}
