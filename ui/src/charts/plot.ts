/** The one place that knows uPlot: options and data for a time-series chart. */

import uPlot from "uplot";

import type { Threshold } from "../api/dashboards";
import { cssValue, seriesVar } from "../dashboard/colors";
import { type Frame, stacked } from "../dashboard/frame";
import { formatValue } from "../format/number";
import { clockTime } from "../format/time";
import { cssColor } from "../state/theme.svelte";

export interface Mark {
  /** Unix seconds. */
  at: number;
  /** A CSS custom property that holds the colour. */
  color: string;
  label: string;
}

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
}

export interface PlotHooks {
  /** The present range of time, Unix seconds. */
  range: () => [number, number];
  marks: () => Mark[];
  /** The pointer is at this index of the data, or nowhere. */
  onCursor: (index: number | null, left: number, top: number) => void;
  onZoom: (from: number, to: number) => void;
}

export function plotData(frame: Frame, stack: boolean): uPlot.AlignedData {
  const values = stack ? stacked(frame.series) : frame.series.map((one) => one.values);
  return [frame.times, ...values];
}

/** A custom property's colour as a canvas needs it: resolved. */
function resolve(color: string): string {
  const name = /^var\((.+)\)$/.exec(color)?.[1];
  return name === undefined ? color : cssColor(name);
}

export function plotOptions(
  frame: Frame,
  style: PlotStyle,
  hooks: PlotHooks,
  size: { width: number; height: number },
  syncKey: string,
): uPlot.Options {
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis = {
    stroke: cssColor("--chart-text"),
    font,
    grid: { stroke: cssColor("--chart-grid"), width: 1 },
    ticks: { show: false },
  };
  return {
    ...size,
    padding: [8, 10, 0, 0],
    legend: { show: false },
    scales: {
      x: { time: true, range: () => hooks.range() },
      y: { range: (_, low, high) => valueRange(low, high, style) },
    },
    axes: [
      { ...axis, size: 24, gap: 4, space: 70, values: timeLabels },
      {
        ...axis,
        gap: 6,
        space: 34,
        size: (plot, values) => axisSize(plot, values, font),
        values: (_, splits) => splits.map((value) => formatValue(value, style.unit)),
      },
    ],
    series: [{}, ...frame.series.map((_, i) => seriesOptions(i, style))],
    ...(style.stack
      ? { bands: frame.series.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })) }
      : {}),
    cursor: {
      y: false,
      points: { size: 7, width: 2 },
      focus: { prox: 24 },
      drag: { x: true, y: false, setScale: false },
      sync: { key: syncKey, setSeries: false, filters: { pub: isHover, sub: isHover } },
    },
    focus: { alpha: 0.35 },
    hooks: {
      drawAxes: [(plot) => drawThresholds(plot, style)],
      draw: [(plot) => drawMarks(plot, hooks.marks())],
      setCursor: [
        (plot) => {
          const { idx, left, top } = plot.cursor;
          const here = idx !== null && idx !== undefined && (left ?? -1) >= 0;
          hooks.onCursor(here ? idx : null, left ?? 0, top ?? 0);
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width >= 6) {
            hooks.onZoom(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
          }
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/** Charts share the pointer's place, but not the drag: only the one dragged on zooms. */
function isHover(type: string): boolean {
  return type === "mousemove" || type === "mouseleave";
}

function seriesOptions(index: number, style: PlotStyle): uPlot.Series {
  const color = cssColor(seriesVar(index));
  const opacity = style.stack ? Math.max(style.fillOpacity, 20) : style.fillOpacity;
  const alpha = Math.round((Math.min(opacity, 100) / 100) * 255);
  return {
    stroke: color,
    width: Math.max(style.lineWidth, 1),
    ...(alpha > 0 ? { fill: color + alpha.toString(16).padStart(2, "0") } : {}),
    points: {
      // A sample between two gaps has no line: a point shows it.
      show: false,
      size: 4,
      filter: (plot, _, show) => (show ? null : lonePoints(plot.data[index + 1] ?? [])),
      fill: color,
    },
    spanGaps: false,
  };
}

function lonePoints(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) {
      found.push(i);
    }
  }
  return found;
}

/** Keeps 0 in view where nothing is below it, the thresholds that are drawn, and some room above. */
export function valueRange(low: number | null, high: number | null, style: PlotStyle): [number, number] {
  let bottom = low ?? 0;
  let top = high ?? 1;
  if (style.thresholdStyle !== "off") {
    for (const { value } of style.thresholds) {
      if (value !== null) {
        top = Math.max(top, value);
        bottom = Math.min(bottom, value);
      }
    }
  }
  if (bottom >= 0) {
    bottom = 0;
  }
  if (top <= bottom) {
    top = bottom + (style.unit === "percentunit" ? 0.01 : 1);
  }
  const [niceLow, niceHigh] = uPlot.rangeNum(bottom, top, {
    min: { pad: 0.08, soft: 0, mode: 1 },
    max: { pad: 0.08, soft: 0, mode: 2 },
  });
  let end = style.max ?? niceHigh ?? top;
  if (style.max === null && style.unit === "percentunit" && top <= 1) {
    end = Math.min(end, 1);
  }
  return [style.min ?? niceLow ?? bottom, end];
}

function timeLabels(plot: uPlot, splits: number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  const days = (plot.scales["x"]?.max ?? 0) - (plot.scales["x"]?.min ?? 0) > 2 * 86400;
  return splits.map((seconds) => {
    const text = clockTime(seconds * 1000);
    if (days) {
      const date = new Date(seconds * 1000);
      return `${String(date.getMonth() + 1)}/${String(date.getDate())} ${text.slice(0, 5)}`;
    }
    return step < 60 ? text : text.slice(0, 5);
  });
}

/** As wide as the longest label, in steps, so that the plot does not shift at each refresh. */
function axisSize(plot: uPlot, values: string[] | null, font: string): number {
  plot.ctx.save();
  plot.ctx.font = font;
  const widest = Math.max(0, ...(values ?? []).map((text) => plot.ctx.measureText(text).width));
  plot.ctx.restore();
  return Math.ceil((widest + 14) / 16) * 16;
}

function drawThresholds(plot: uPlot, style: PlotStyle): void {
  if (style.thresholdStyle === "off") {
    return;
  }
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const steps = style.thresholds.filter((step) => step.value !== null);
  ctx.save();
  steps.forEach((step, i) => {
    const color = cssValue(step.color);
    if (color === null || step.value === null) {
      return;
    }
    const clamp = (y: number): number => Math.min(Math.max(y, top), top + height);
    const y = plot.valToPos(step.value, "y", true);
    if (style.thresholdStyle.includes("area")) {
      const next = steps[i + 1]?.value;
      const end = clamp(next == null ? top : plot.valToPos(next, "y", true));
      ctx.globalAlpha = 0.12;
      ctx.fillStyle = resolve(color);
      ctx.fillRect(left, end, width, clamp(y) - end);
    }
    if (style.thresholdStyle.includes("line") && y >= top && y <= top + height) {
      ctx.globalAlpha = 1;
      ctx.strokeStyle = resolve(color);
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

function drawMarks(plot: uPlot, marks: Mark[]): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  ctx.save();
  for (const mark of marks) {
    const x = plot.valToPos(mark.at, "x", true);
    if (x < left || x > left + width) {
      continue;
    }
    const size = 5 * devicePixelRatio;
    ctx.strokeStyle = ctx.fillStyle = cssColor(mark.color);
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x - size, top);
    ctx.lineTo(x + size, top);
    ctx.lineTo(x, top + size * 1.5);
    ctx.fill();
  }
  ctx.restore();
}
