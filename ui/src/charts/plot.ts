/** Series over time for uPlot: their data, their scales and how they are drawn. */

import uPlot from "uplot";

import type { FieldStyle, Threshold } from "../api/dashboards";
import type { Frame, Series, SeriesLook } from "../data/frame";
import { formatTicks } from "../format/number";
import { unitOf } from "../format/units";
import { faded, paint } from "../state/theme.svelte";
import { axisLook, chartFont, FONT_SIZE, type PlotHooks, type Size, textWidth, timeOptions } from "./base";
import { cssValue, scaleColor, seriesColor } from "./colors";
import { stackValues } from "./stack";

export type { Mark, PlotHooks } from "./base";

/**
 * With more series than these the one at the pointer is marked by its point alone: to fade the others draws all of them
 * again at each move, and a point on each of them covers the lines.
 */
const MANY_SERIES = 100;

/** How a chart is drawn: all its series, unless one has a look of its own. */
export interface PlotStyle {
  unit: string;
  decimals: number | null;
  min: number | null;
  max: number | null;
  thresholds: Threshold[];
  thresholdStyle: string;
  stack: boolean;
  lineWidth: number;
  fillOpacity: number;
  /** Where series are on several; else there is one, which the above describes. */
  axes?: PlotAxis[];
}

/** A scale of values with its axis. */
export interface PlotAxis {
  key: string;
  side: "left" | "right";
  show: boolean;
  label: string;
  unit: string;
  decimals: number | null;
  min: number | null;
  max: number | null;
  softMin: number | null;
  softMax: number | null;
  scale: FieldStyle["scale"];
  grid: boolean;
  /** Zero is in the middle. */
  centered: boolean;
  /** Zero is in view, since areas or bars begin there. */
  zero: boolean;
  /** CSS; null for that of all axes. */
  color: string | null;
  thresholds: Threshold[];
  thresholdStyle: string;
}

export function plainAxis(style: PlotStyle): PlotAxis {
  return {
    key: "y",
    side: "left",
    show: true,
    label: "",
    unit: style.unit,
    decimals: style.decimals,
    min: style.min,
    max: style.max,
    softMin: null,
    softMax: null,
    scale: { type: "linear", log: 10, linear_threshold: 1 },
    grid: true,
    centered: false,
    zero: true,
    color: null,
    thresholds: style.thresholds,
    thresholdStyle: style.thresholdStyle,
  };
}

export function plainLook(index: number, style: PlotStyle): SeriesLook {
  return {
    color: seriesColor(index),
    scheme: null,
    axis: "y",
    draw: "line",
    interpolation: "linear",
    width: Math.max(style.lineWidth, 1),
    dash: [],
    round: false,
    fill: style.stack ? Math.max(style.fillOpacity, 20) : style.fillOpacity,
    gradient: "none",
    fillTo: "",
    spanNulls: false,
    points: "never",
    pointSize: 5,
    barAlign: 0,
    barWidth: 0.6,
    stack: style.stack ? "A" : "",
    percent: false,
  };
}

export function lookOf(one: Series, index: number, style: PlotStyle): SeriesLook {
  return one.look ?? plainLook(index, style);
}

/** Returns the data as it is drawn. `shown` says of each series whether it is: what is hidden is not stacked. */
export function plotData(frame: Frame, style: PlotStyle, shown?: readonly boolean[]): uPlot.AlignedData {
  const looks = frame.series.map((one, i) => lookOf(one, i, style));
  const values = stackValues(frame.series, looks, shown).map((one, i) =>
    axisOf(looks[i], style).scale.type === "log"
      ? one.map((value) => (value !== null && value > 0 ? value : null))
      : one,
  );
  return [frame.times, ...values];
}

function axisOf(look: SeriesLook | undefined, style: PlotStyle): PlotAxis {
  return style.axes?.find((one) => one.key === look?.axis) ?? plainAxis(style);
}

/**
 * Returns a text that changes where the chart must be made anew. Colours are looked up when it is drawn.
 *
 * @param shown which series are drawn, where they are stacked: what lies on what changes with it.
 */
export function plotShape(frame: Frame, style: PlotStyle, shown?: readonly boolean[]): string {
  const looks = frame.series.map((one) =>
    one.look === undefined ? null : { ...one.look, color: "", scheme: null },
  );
  return JSON.stringify([frame.series.map((one) => one.name), looks, style, shown]);
}

export function plotOptions(
  frame: () => Frame,
  style: PlotStyle,
  hooks: PlotHooks,
  size: Size,
  sync: string,
  shown?: readonly boolean[],
): uPlot.Options {
  const axes = style.axes ?? [plainAxis(style)];
  const { series } = frame();
  const look = (index: number): SeriesLook => {
    const one = frame().series[index];
    return one === undefined ? plainLook(index, style) : lookOf(one, index, style);
  };
  const base = timeOptions(size, hooks, sync);
  const many = series.length > MANY_SERIES;
  return {
    ...base,
    padding: [8, axes.some((axis) => axis.side === "right" && axis.show) ? 0 : 16, 0, 0],
    scales: { ...base.scales, ...Object.fromEntries(axes.map((axis) => [axis.key, scaleOptions(axis)])) },
    axes: [...(base.axes ?? []), ...axes.map((axis, i) => axisOptions(axis, i === 0))],
    series: [{}, ...series.map((_, i) => seriesOptions(i, look))],
    bands: bands(series, look, shown),
    cursor: {
      ...base.cursor,
      focus: { prox: 24 },
      points: {
        one: many,
        size: 7,
        width: 2,
        stroke: (_, i) => paint(look(i - 1).color),
        fill: (_, i) => paint(look(i - 1).color),
      },
    },
    focus: { alpha: many ? 1 : 0.35 },
    hooks: {
      ...base.hooks,
      drawAxes: [
        (plot) => {
          for (const axis of axes) {
            drawThresholds(plot, axis);
          }
        },
      ],
    },
  };
}

/** Fills of stacked series end at the one below, others at the one that they name. */
function bands(
  series: readonly Series[],
  look: (index: number) => SeriesLook,
  shown?: readonly boolean[],
): uPlot.Band[] {
  const found: uPlot.Band[] = [];
  const below = new Map<string, number>();
  series.forEach((one, i) => {
    const { stack, axis, fillTo, fill } = look(i);
    if (shown?.[i] === false) {
      return;
    }
    if (stack !== "") {
      const group = `${stack} ${axis} ${String(isNegative(one))}`;
      const under = below.get(group);
      if (under !== undefined) {
        found.push({ series: [i + 1, under + 1], dir: isNegative(one) ? 1 : -1 });
      }
      below.set(group, i);
    } else if (fillTo !== "") {
      const to = series.findIndex((other) => other.name === fillTo);
      if (to >= 0 && to !== i) {
        found.push({ series: [i + 1, to + 1], fill: () => faded(paint(look(i).color), fill / 100) });
      }
    }
  });
  return found;
}

function isNegative(one: Series): boolean {
  return one.negative === true;
}

function scaleOptions(axis: PlotAxis): uPlot.Scale {
  const { type, log, linear_threshold: threshold } = axis.scale;
  const range: uPlot.Range.Function = (_, low, high) => valueRange(low, high, axis);
  if (type === "log") {
    return { distr: 3, log: log === 2 ? 2 : 10, range };
  }
  return type === "symlog" ? { distr: 4, asinh: threshold > 0 ? threshold : 1, range } : { range };
}

function axisOptions(axis: PlotAxis, first: boolean): uPlot.Axis {
  const look = axisLook();
  const color = axis.color === null ? look.stroke : paint(axis.color);
  return {
    ...look,
    stroke: color ?? "",
    scale: axis.key,
    side: axis.side === "right" ? 1 : 3,
    show: axis.show,
    grid: { ...look.grid, show: first || axis.grid },
    gap: 6,
    space: axis.scale.type === "linear" ? 34 : 24,
    // Ticks at multiples of 1024 are whole: 16 GiB, not 18.6.
    ...(axis.scale.type === "linear" && unitOf(axis.unit)?.kind === "iec" ? { incrs: POWERS_OF_TWO } : {}),
    size: (_, values) => axisSize(values),
    ...(axis.label === ""
      ? {}
      : { label: axis.label, labelFont: chartFont(), labelSize: FONT_SIZE + 8, labelGap: 2 }),
    values: (_, splits) => tickLabels(splits, axis),
  };
}

const POWERS_OF_TWO = Array.from({ length: 90 }, (_, i) => 2 ** (i - 10));

function tickLabels(splits: (number | null)[], axis: PlotAxis): (string | null)[] {
  const present = splits.filter((one) => one !== null);
  const texts = formatTicks(present, axis.unit, axis.unit === "" ? null : axis.decimals);
  let next = 0;
  return splits.map((one) => (one === null ? null : (texts[next++] ?? "")));
}

/** As wide as the longest label, in steps, so that the plot does not shift at each refresh. */
function axisSize(values: (string | null)[] | null): number {
  const widest = Math.max(0, ...(values ?? []).map((text) => textWidth(text ?? "")));
  return Math.ceil((widest + 14) / 16) * 16;
}

function seriesOptions(index: number, look: (index: number) => SeriesLook): uPlot.Series {
  const now = look(index);
  const solid = now.draw === "bars";
  return {
    scale: now.axis,
    stroke: (plot) => strokeOf(plot, look(index)),
    width: now.draw === "points" ? 0 : now.width,
    ...(now.dash.length > 0 ? { dash: now.dash } : {}),
    ...(now.round ? { cap: "round" as const } : {}),
    ...(now.fill > 0 && now.fillTo === "" ? { fill: (plot: uPlot) => fillOf(plot, look(index)) } : {}),
    paths: pathsOf(now),
    points: {
      show: pointsShown(now),
      size: now.pointSize,
      width: 0,
      // A sample between two gaps has no line: a point shows it.
      filter: (plot, _, show) => (show === true || solid ? null : lonePoints(plot.data[index + 1] ?? [])),
      fill: (plot) => strokeOf(plot, look(index)),
      stroke: (plot) => strokeOf(plot, look(index)),
    },
    spanGaps: now.spanNulls === true,
    ...(typeof now.spanNulls === "number" ? { gaps: longGaps(now.spanNulls) } : {}),
  };
}

/** Lines bridge the gaps of fewer milliseconds than these. */
function longGaps(ms: number): uPlot.Series.GapsRefiner {
  return (plot, _, _from, _to, gaps) =>
    gaps.filter(([from, to]) => (plot.posToVal(to, "x", true) - plot.posToVal(from, "x", true)) * 1000 > ms);
}

function pointsShown(look: SeriesLook): uPlot.Series.Points.Show {
  if (look.draw === "points") {
    return true;
  }
  if (look.draw === "bars" || look.points === "never") {
    return false;
  }
  if (look.points === "always") {
    return true;
  }
  return (plot, _, first, last) => (last - first) * look.pointSize * 3 < plot.bbox.width / devicePixelRatio;
}

const { linear, spline, stepped, bars } = uPlot.paths;

function pathsOf(look: SeriesLook): uPlot.Series.PathBuilder {
  const none: uPlot.Series.PathBuilder = () => null;
  if (look.draw === "points") {
    return none;
  }
  if (look.draw === "bars") {
    const size: [number, number, number] = [look.barWidth, 60, 1];
    return bars?.({ align: look.barAlign, size }) ?? none;
  }
  switch (look.interpolation) {
    case "smooth":
      return spline?.() ?? none;
    case "stepBefore":
      return stepped?.({ align: -1 }) ?? none;
    case "stepAfter":
      return stepped?.({ align: 1 }) ?? none;
    default:
      return linear?.() ?? none;
  }
}

/** Returns the indexes of the values between two gaps; null where there are none, so that nothing is drawn for them. */
function lonePoints(values: ArrayLike<number | null | undefined>): number[] | null {
  const found: number[] = [];
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) {
      found.push(i);
    }
  }
  return found.length === 0 ? null : found;
}

function strokeOf(plot: uPlot, look: SeriesLook): string | CanvasGradient {
  return look.scheme === null ? paint(look.color) : (schemeGradient(plot, look, 1) ?? paint(look.color));
}

function fillOf(plot: uPlot, look: SeriesLook): string | CanvasGradient {
  const alpha = Math.min(look.fill, 100) / 100;
  const color = paint(look.color);
  if (look.scheme !== null && look.gradient === "scheme") {
    return schemeGradient(plot, look, alpha) ?? faded(color, alpha);
  }
  if (look.gradient === "none") {
    return faded(color, alpha);
  }
  const { top, height } = plot.bbox;
  if (!Number.isFinite(top + height)) {
    return faded(color, alpha);
  }
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, faded(color, alpha));
  gradient.addColorStop(1, faded(color, look.gradient === "opacity" ? alpha * 0.08 : alpha * 0.35));
  return gradient;
}

/** A gradient over the axis in the colours of its thresholds or of a scale; null before the axis is known. */
function schemeGradient(plot: uPlot, look: SeriesLook, alpha: number): CanvasGradient | null {
  const { scheme, axis } = look;
  const { min, max } = plot.scales[axis] ?? {};
  if (scheme === null || min == null || max == null || max <= min) {
    return null;
  }
  const bottom = plot.valToPos(min, axis, true);
  const top = plot.valToPos(max, axis, true);
  if (!Number.isFinite(top + bottom) || top === bottom) {
    return null;
  }
  const gradient = plot.ctx.createLinearGradient(0, bottom, 0, top);
  const share = (value: number): number =>
    Math.min(Math.max((plot.valToPos(value, axis, true) - bottom) / (top - bottom), 0), 1);
  const stop = (at: number, color: string): void => {
    gradient.addColorStop(at, faded(paint(color), alpha));
  };
  if ("scale" in scheme) {
    for (let i = 0; i <= 8; i += 1) {
      stop(share(scheme.low + ((scheme.high - scheme.low) * i) / 8), scaleColor(scheme.scale, i / 8));
    }
    return gradient;
  }
  const steps = scheme.thresholds.toSorted((a, b) => (a.value ?? -Infinity) - (b.value ?? -Infinity));
  steps.forEach((step, i) => {
    const color = cssValue(step.color) ?? look.color;
    const next = steps[i + 1]?.value;
    stop(step.value === null ? 0 : share(step.value), color);
    stop(next == null ? 1 : share(next), color);
  });
  return gradient;
}

/** Keeps in view the thresholds that are drawn, the soft limits, 0 where areas begin there, and some room. */
export function valueRange(low: number | null, high: number | null, axis: PlotAxis): [number, number] {
  let bottom = low ?? 0;
  let top = high ?? 1;
  if (axis.thresholdStyle !== "off") {
    for (const { value } of axis.thresholds) {
      if (value !== null) {
        top = Math.max(top, value);
        bottom = Math.min(bottom, value);
      }
    }
  }
  if (axis.scale.type === "log") {
    // A file may well begin a logarithmic axis at zero, which has no place on it.
    const min = axis.min !== null && axis.min > 0 ? axis.min : null;
    const least = min ?? (bottom > 0 ? bottom : Math.min(1, top / 1000 || 1));
    const max = axis.max !== null && axis.max > least ? axis.max : null;
    const [from, to] = uPlot.rangeLog(
      Math.max(least, 1e-12),
      Math.max(max ?? top, least * 10),
      axis.scale.log === 2 ? 2 : 10,
      true,
    );
    return [min ?? from ?? least, max ?? to ?? top];
  }
  bottom = Math.min(bottom, axis.softMin ?? bottom);
  top = Math.max(top, axis.softMax ?? top);
  if (axis.zero && axis.softMin === null && bottom > 0) {
    bottom = 0;
  }
  if (axis.centered) {
    const most = Math.max(Math.abs(bottom), Math.abs(top)) || 1;
    return [axis.min ?? -most * 1.05, axis.max ?? most * 1.05];
  }
  if (top <= bottom) {
    const room = Math.abs(bottom) * 0.1 || (axis.unit === "percentunit" ? 0.01 : 1);
    if (!axis.zero && bottom !== 0) {
      bottom -= room;
    }
    top += room;
  }
  const fixed = axis.softMin !== null && bottom === axis.softMin;
  const [niceLow, niceHigh] = uPlot.rangeNum(bottom, top, {
    min: { pad: fixed ? 0 : 0.08, soft: 0, mode: axis.zero ? 1 : 3 },
    max: { pad: axis.softMax !== null && top === axis.softMax ? 0 : 0.08, soft: 0, mode: 2 },
  });
  let end = axis.max ?? niceHigh ?? top;
  if (axis.max === null && axis.unit === "percentunit" && top <= 1) {
    end = Math.min(end, 1);
  }
  const start = axis.min ?? niceLow ?? bottom;
  return start < end ? [start, end] : [start, start + 1];
}

function drawThresholds(plot: uPlot, axis: PlotAxis): void {
  if (axis.thresholdStyle === "off" || plot.scales[axis.key]?.min == null) {
    return;
  }
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const steps = axis.thresholds.toSorted((a, b) => (a.value ?? -Infinity) - (b.value ?? -Infinity));
  const clamp = (y: number): number => Math.min(Math.max(y, top), top + height);
  ctx.save();
  steps.forEach((step, i) => {
    const color = cssValue(step.color);
    if (color === null) {
      return;
    }
    const y = step.value === null ? top + height : plot.valToPos(step.value, axis.key, true);
    if (axis.thresholdStyle.includes("area")) {
      const next = steps[i + 1]?.value;
      const end = next == null ? top : clamp(plot.valToPos(next, axis.key, true));
      ctx.globalAlpha = 0.12;
      ctx.fillStyle = paint(color);
      ctx.fillRect(left, end, width, clamp(y) - end);
    }
    const line = /line|dashed/.test(axis.thresholdStyle);
    if (line && step.value !== null && y >= top && y <= top + height) {
      ctx.globalAlpha = 1;
      ctx.strokeStyle = paint(color);
      ctx.lineWidth = 1.5 * devicePixelRatio;
      ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(left, y);
      ctx.lineTo(left + width, y);
      ctx.stroke();
    }
  });
  ctx.restore();
}
