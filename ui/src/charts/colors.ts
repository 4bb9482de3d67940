/** Colours of series, thresholds and scales: Grafana's names become those that styles.css has for each theme. */

import type { FieldColor, Threshold, Thresholds } from "../api/dashboards";

export const SERIES_COLORS = 8;

export function seriesVar(index: number): string {
  return `--series-${String(index % SERIES_COLORS)}`;
}

/** Returns the colour of the series at an index; beyond the eighth they are paler, then darker ones. */
export function seriesColor(index: number): string {
  const base = `var(${seriesVar(index)})`;
  const round = Math.floor(index / SERIES_COLORS) % 3;
  return round === 0
    ? base
    : `color-mix(in srgb, ${base} 62%, ${round === 1 ? "var(--surface)" : "var(--text)"})`;
}

/** WCAG's least contrast of what is drawn, and of a text. */
const LEAST_CONTRAST = 3;
const TEXT_CONTRAST = 4.5;

const HUES = ["green", "yellow", "orange", "red", "blue", "purple"];

/** Of a shade: how much of the hue is left, and with what it is mixed. */
const SHADES: Record<string, [number, string]> = {
  dark: [70, "var(--text)"],
  "semi-dark": [85, "var(--text)"],
  light: [78, "var(--surface)"],
  "super-light": [58, "var(--surface)"],
};

/**
 * Turns a Grafana colour (a hue such as "semi-dark-red", or CSS such as "#e02f44") into a CSS value.
 *
 * Hues become the theme's own, which have enough contrast on both; null where nothing is to be coloured. A colour of
 * the file's own is mixed with that of text until it stands out from the surface, where that is given as #rrggbb.
 */
export function cssValue(color: string, surface = "", least = LEAST_CONTRAST): string | null {
  const match = /^(?:(semi-dark|dark|light|super-light)-)?([a-z]+)$/.exec(color);
  const hue = match?.[2] ?? "";
  if (HUES.includes(hue)) {
    const shade = SHADES[match?.[1] ?? ""];
    return shade === undefined
      ? `var(--hue-${hue})`
      : `color-mix(in srgb, var(--hue-${hue}) ${String(shade[0])}%, ${shade[1]})`;
  }
  if (color === "gray" || color === "grey") {
    return "var(--border-strong)";
  }
  return color === "transparent" || color === "text" || color === ""
    ? null
    : standingOut(color, surface, least);
}

/** The colour in which a text is legible: a hue without its shade; null where the file chose one of its own. */
export function textValue(color: string): string | null {
  const hue = /^(?:(?:semi-dark|dark|light|super-light)-)?([a-z]+)$/.exec(color)?.[1] ?? "";
  return HUES.includes(hue) ? `var(--hue-${hue})` : null;
}

/** Returns the colour from the highest threshold that the value reaches; null below all of them. */
export function thresholdColor(value: number | null, thresholds: readonly Threshold[]): string | null {
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

/** Returns thresholds as values: percentages are of the way from `low` to `high`. */
export function absoluteThresholds(thresholds: Thresholds, low: number, high: number): Threshold[] {
  return thresholds.mode === "absolute"
    ? thresholds.steps
    : thresholds.steps.map(({ value, color }) => ({
        value: value === null ? null : low + ((high - low) * value) / 100,
        color,
      }));
}

/** The colours of a continuous scale, from its low end to its high one. */
const SCALES: Record<string, string[]> = {
  "continuous-GrYlRd": ["green", "yellow", "red"],
  "continuous-RdYlGr": ["red", "yellow", "green"],
  "continuous-BlYlRd": ["blue", "yellow", "red"],
  "continuous-YlRd": ["yellow", "red"],
  "continuous-BlPu": ["blue", "purple"],
  "continuous-YlBl": ["yellow", "blue"],
  "continuous-blues": ["super-light-blue", "dark-blue"],
  "continuous-reds": ["super-light-red", "dark-red"],
  "continuous-greens": ["super-light-green", "dark-green"],
  "continuous-purples": ["super-light-purple", "dark-purple"],
};

export function isScale(mode: string): boolean {
  return mode.startsWith("continuous-");
}

/** Returns the colour at a share, 0 to 1, of a scale. */
export function scaleColor(mode: string, share: number): string {
  const colors = SCALES[mode] ?? ["green", "yellow", "red"];
  const at = Math.min(Math.max(Number.isNaN(share) ? 0 : share, 0), 1) * (colors.length - 1);
  const index = Math.min(Math.floor(at), colors.length - 2);
  const low = cssValue(colors[index] ?? "") ?? "var(--text)";
  const high = cssValue(colors[index + 1] ?? "") ?? "var(--text)";
  const part = Math.round((at - index) * 100);
  return part === 0 ? low : part === 100 ? high : `color-mix(in srgb, ${high} ${String(part)}%, ${low})`;
}

/** How a value is coloured where the mode gives each value its own: by thresholds or on a scale; else null. */
export function valueColor(
  value: number | null,
  color: FieldColor,
  thresholds: readonly Threshold[],
  low: number,
  high: number,
): string | null {
  if (color.mode === "thresholds") {
    return thresholdColor(value, thresholds);
  }
  if (isScale(color.mode)) {
    return value === null ? null : scaleColor(color.mode, (value - low) / (high - low || 1));
  }
  return color.mode === "fixed" || color.mode === "shades" ? color.fixed : null;
}

function standingOut(color: string, surface: string, least: number): string {
  const [front, back] = [channels(color), channels(surface)];
  if (front === null || back === null) {
    return color;
  }
  const dark = luminance(back) < 0.2;
  for (const share of [100, 85, 70, 55, 40]) {
    const mixed = front.map((one) => (one * share + (dark ? 229 : 24) * (100 - share)) / 100);
    if (contrast(mixed, back) >= least) {
      return share === 100 ? color : `color-mix(in srgb, ${color} ${String(share)}%, var(--text))`;
    }
  }
  return "var(--text)";
}

/** Returns red, green and blue of `#rgb`, `#rrggbb`, `rgb()` and `rgba()`, 0 to 255; null of another form. */
export function channels(color: string): number[] | null {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(color);
  if (short !== null) {
    return short.slice(1).map((one) => parseInt(one + one, 16));
  }
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(color);
  if (long !== null) {
    return long.slice(1).map((one) => parseInt(one, 16));
  }
  const rgb = /^rgba?\(\s*([\d.]+)[,\s]+([\d.]+)[,\s]+([\d.]+)/.exec(color);
  return rgb === null ? null : rgb.slice(1).map(Number);
}

function luminance(rgb: number[]): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((one) => {
    const part = one / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export function contrast(one: number[], other: number[]): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** The colour of a ground on which text in the surface's colour is legible. */
export function groundValue(color: string, surface: string): string | null {
  return textValue(color) ?? cssValue(color, surface, TEXT_CONTRAST);
}
