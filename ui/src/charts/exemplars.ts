/** Exemplars: single observations with the trace that they are of, as points over a chart. */

import type uPlot from "uplot";

export interface Exemplar {
  /** Unix seconds. */
  at: number;
  value: number;
  traceId: string;
  spanId: string;
  /** Its own labels and those of its series. */
  labels: Record<string, string>;
}

const SIZE = 5;

/** Where an exemplar is drawn, in pixels of the plot; one beyond the axis of values stands at its edge. */
function placeOf(plot: uPlot, one: Exemplar, scale: string, canvas: boolean): { x: number; y: number } {
  const height = canvas ? plot.bbox.height : plot.over.clientHeight;
  const top = canvas ? plot.bbox.top : 0;
  const edge = canvas ? SIZE * devicePixelRatio : SIZE;
  const y = plot.valToPos(one.value, scale, canvas);
  return { x: plot.valToPos(one.at, "x", canvas), y: Math.min(Math.max(y, top + edge), top + height - edge) };
}

export function drawExemplars(
  plot: uPlot,
  exemplars: readonly Exemplar[],
  scale: string,
  line: string,
  fill: string,
): void {
  if (exemplars.length === 0 || plot.scales[scale]?.min == null) {
    return;
  }
  const { ctx } = plot;
  const { left, width } = plot.bbox;
  const size = SIZE * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = line;
  ctx.fillStyle = fill;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const one of exemplars) {
    const { x, y } = placeOf(plot, one, scale, true);
    if (x < left || x > left + width || Number.isNaN(y)) {
      continue;
    }
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y);
    ctx.lineTo(x, y + size);
    ctx.lineTo(x - size, y);
    ctx.closePath();
    ctx.fill();
    ctx.stroke();
  }
  ctx.restore();
}

/** Returns the exemplar that a place is on, or the nearest one at its moment, whatever its height. */
export function nearestExemplar(
  plot: uPlot,
  exemplars: readonly Exemplar[],
  place: { left: number; top: number },
  by: "place" | "moment",
  scale: string,
): Exemplar | null {
  let best: Exemplar | null = null;
  let least = by === "place" ? 10 : 24;
  for (const one of exemplars) {
    const { x, y } = placeOf(plot, one, scale, false);
    const away = by === "moment" ? Math.abs(x - place.left) : Math.hypot(x - place.left, y - place.top);
    if (away <= least) {
      [best, least] = [one, away];
    }
  }
  return best;
}

/**
 * Thins exemplars to some for each part of the range, the greatest first: those are the ones that are looked for.
 *
 * @param from Unix seconds, as `to`.
 */
export function thinned(
  exemplars: readonly Exemplar[],
  from: number,
  to: number,
  parts = 80,
  each = 2,
): Exemplar[] {
  const slots = new Map<number, Exemplar[]>();
  for (const one of exemplars.toSorted((a, b) => b.value - a.value)) {
    const slot = Math.floor(((one.at - from) / (to - from || 1)) * parts);
    const kept = slots.get(slot) ?? [];
    if (kept.length < each && !kept.some((other) => other.traceId === one.traceId)) {
      slots.set(slot, [...kept, one]);
    }
  }
  return [...slots.values()].flat().sort((a, b) => a.at - b.at);
}
