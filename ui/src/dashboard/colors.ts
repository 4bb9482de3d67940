/** Colours of series and thresholds: names that styles.css gives a value for each theme. */

import type { Threshold, ValueMapping } from "../api/dashboards";

export const SERIES_COLORS = 8;

export function seriesVar(index: number): string {
  return `--series-${String(index % SERIES_COLORS)}`;
}

const HUES = ["green", "yellow", "orange", "red", "blue", "purple"];

/**
 * Turns a Grafana colour (a hue such as "semi-dark-red", or CSS such as "#e02f44") into a CSS value.
 *
 * Hues become the theme's own, which have enough contrast on both; null where nothing is to be coloured.
 */
export function cssValue(color: string): string | null {
  const hue = color.replace(/^(semi-dark|dark|light|super-light)-/, "");
  if (HUES.includes(hue)) {
    return `var(--hue-${hue})`;
  }
  return color === "transparent" || color === "text" || color === "" ? null : color;
}

/** Returns the colour from the highest threshold that the value reaches; null below all of them. */
export function thresholdColor(value: number | null, thresholds: Threshold[]): string | null {
  if (value === null || Number.isNaN(value)) {
    return null;
  }
  let found: Threshold | null = null;
  for (const step of thresholds) {
    const reached = step.value === null || value >= step.value;
    if (reached && (found === null || (step.value ?? -Infinity) >= (found.value ?? -Infinity))) {
      found = step;
    }
  }
  return found?.color ?? null;
}

/** Returns the mapping of exactly this value. */
export function mappingOf(value: number | null, mappings: ValueMapping[]): ValueMapping | null {
  return value === null
    ? null
    : (mappings.find((one) => one.value !== "" && Number(one.value) === value) ?? null);
}
