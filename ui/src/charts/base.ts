/** What all charts over time share: the axis of time, the pointer's place, zooming, and marks. */

import type uPlot from "uplot";

import { clockTime, shownDate } from "../format/time";
import { cssColor, faded, paint } from "../state/theme.svelte";
import type { Mark } from "./marks";

export type { Mark } from "./marks";

/** What a chart asks of the component around it, each time that it is drawn or touched. */
export interface PlotHooks {
  /** The present range of time, Unix seconds. */
  range: () => [number, number];
  marks: () => readonly Mark[];
  /** The pointer is at this index of the data, or nowhere. */
  onCursor: (index: number | null, left: number, top: number) => void;
  onZoom: (from: number, to: number) => void;
  onZoomOut: () => void;
  onClick: () => void;
}

export interface Size {
  width: number;
  height: number;
}

export const FONT_SIZE = 11;

export function chartFont(): string {
  return `${String(FONT_SIZE)}px ${bodyFont()}`;
}

/** Returns the width of a text in pixels of the page; the same few are asked for at each drawing. */
export function textWidth(text: string): number {
  let width = widths.get(text);
  if (width === undefined) {
    if (measuring === null) {
      measuring = document.createElement("canvas").getContext("2d");
      if (measuring !== null) {
        measuring.font = chartFont();
      }
    }
    width = measuring?.measureText(text).width ?? 0;
    if (widths.size >= MOST_WIDTHS) {
      widths.clear();
    }
    widths.set(text, width);
  }
  return width;
}

const MOST_WIDTHS = 2000;
const widths = new Map<string, number>();
let measuring: CanvasRenderingContext2D | null = null;

let family = "";

function bodyFont(): string {
  family ||= getComputedStyle(document.body).fontFamily;
  return family;
}

/** Returns how an axis is drawn, whatever it shows. */
export function axisLook(): Pick<uPlot.Axis, "stroke" | "font" | "grid" | "ticks"> {
  return {
    stroke: cssColor("--chart-text"),
    font: chartFont(),
    grid: { stroke: cssColor("--chart-grid"), width: 1 },
    ticks: { show: false },
  };
}

/**
 * Returns the options that all charts over time share, without axes of values and series.
 *
 * @param sync charts of one key share the pointer's place; "" for none.
 */
export function timeOptions(size: Size, hooks: PlotHooks, sync: string): Omit<uPlot.Options, "series"> {
  return {
    ...size,
    tzDate: (seconds) => shownDate(seconds * 1000),
    padding: [8, 16, 0, 0],
    legend: { show: false },
    scales: { x: { time: true, range: () => hooks.range() } },
    axes: [{ ...axisLook(), size: 24, gap: 4, space: 70, values: timeLabels }],
    cursor: {
      y: false,
      points: { size: 7, width: 2 },
      drag: { x: true, y: false, setScale: false },
      bind: {
        dblclick: () => () => {
          hooks.onZoomOut();
          return null;
        },
      },
      ...(sync === ""
        ? {}
        : { sync: { key: sync, setSeries: false, filters: { pub: isHover, sub: isHover } } }),
    },
    hooks: {
      draw: [
        (plot) => {
          drawMarks(plot, hooks.marks());
        },
      ],
      ready: [
        (plot) => {
          plot.over.addEventListener("click", hooks.onClick);
        },
      ],
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

function timeLabels(plot: uPlot, splits: number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  const days = (plot.scales["x"]?.max ?? 0) - (plot.scales["x"]?.min ?? 0) > 2 * 86400;
  const room = plot.width - plot.bbox.left / devicePixelRatio;
  return splits.map((seconds) => {
    const text = timeLabel(seconds, days, step);
    // Rather none than one that the edge cuts off.
    return plot.valToPos(seconds, "x") + textWidth(text) / 2 > room ? "" : text;
  });
}

function timeLabel(seconds: number, days: boolean, step: number): string {
  const text = clockTime(seconds * 1000);
  if (days) {
    const date = shownDate(seconds * 1000);
    return `${String(date.getMonth() + 1)}/${String(date.getDate())} ${text.slice(0, 5)}`;
  }
  return step < 60 ? text : text.slice(0, 5);
}

function drawMarks(plot: uPlot, marks: readonly Mark[]): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const right = left + width;
  ctx.save();
  for (const mark of marks) {
    const x = plot.valToPos(mark.at, "x", true);
    const end = mark.until == null ? x : plot.valToPos(mark.until, "x", true);
    if (end < left || x > right) {
      continue;
    }
    const color = paint(`var(${mark.color})`);
    if (end > x) {
      const from = Math.max(x, left);
      ctx.fillStyle = faded(color, 0.12);
      ctx.fillRect(from, top, Math.min(end, right) - from, height);
    }
    ctx.strokeStyle = ctx.fillStyle = color;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const line of end > x ? [x, end] : [x]) {
      if (line >= left && line <= right) {
        ctx.beginPath();
        ctx.moveTo(line, top);
        ctx.lineTo(line, top + height);
        ctx.stroke();
      }
    }
    if (x >= left) {
      const size = 5 * devicePixelRatio;
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.moveTo(x - size, top);
      ctx.lineTo(x + size, top);
      ctx.lineTo(x, top + size * 1.5);
      ctx.fill();
    }
  }
  ctx.restore();
}
