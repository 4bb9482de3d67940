/** The colours of a heatmap's cells, from few to many: on both themes the many stand out from the ground. */

import type { PanelOptions } from "../api/dashboards";
import { cssValue } from "../charts/colors";

type Color = PanelOptions["heatmap"]["color"];

const SINGLE: Record<string, string> = {
  oranges: "orange",
  blues: "blue",
  greens: "green",
  purples: "purple",
  reds: "red",
  greys: "gray",
};

/** Schemes of several hues, by the hues that they go through. */
const SEVERAL: Record<string, string[]> = {
  spectral: ["blue", "green", "yellow", "orange", "red"],
  rdylgn: ["red", "yellow", "green"],
  rdylbu: ["red", "yellow", "blue"],
  rdbu: ["red", "purple", "blue"],
  rdgy: ["red", "gray"],
  brbg: ["orange", "yellow", "green"],
  piyg: ["purple", "yellow", "green"],
  prgn: ["purple", "gray", "green"],
  puor: ["orange", "gray", "purple"],
  bugn: ["blue", "green"],
  bupu: ["blue", "purple"],
  gnbu: ["green", "blue"],
  orrd: ["orange", "red"],
  pubu: ["purple", "blue"],
  pubugn: ["purple", "blue", "green"],
  purd: ["purple", "red"],
  rdpu: ["red", "purple"],
  ylgn: ["yellow", "green"],
  ylgnbu: ["yellow", "green", "blue"],
  ylorbr: ["yellow", "orange", "red"],
  ylorrd: ["yellow", "orange", "red"],
  turbo: ["blue", "green", "yellow", "orange", "red"],
  cividis: ["blue", "gray", "yellow"],
  viridis: ["purple", "blue", "green", "yellow"],
  plasma: ["blue", "purple", "red", "yellow"],
  inferno: ["purple", "red", "orange", "yellow"],
  magma: ["purple", "red", "yellow"],
  warm: ["purple", "red", "orange", "yellow"],
  cool: ["green", "blue", "purple"],
  rainbow: ["purple", "red", "orange", "yellow", "green", "blue"],
};

const MOST_STEPS = 64;

/** Returns the colours in CSS. */
export function rampColors(color: Color): string[] {
  const steps = Math.min(Math.max(Math.round(color.steps), 2), MOST_STEPS);
  const shares = Array.from({ length: steps }, (_, i) => i / (steps - 1));
  if (color.mode === "opacity") {
    const fill = cssValue(color.fill) ?? "var(--hue-orange)";
    return shares.map((share) =>
      onGround(fill, 0.12 + 0.88 * share ** (color.exponent > 0 ? color.exponent : 1)),
    );
  }
  const name = color.scheme.toLowerCase();
  const hues = (SEVERAL[name] ?? [SINGLE[name] ?? "orange"]).map(
    (hue) => cssValue(hue) ?? "var(--hue-orange)",
  );
  const ordered = color.reverse ? hues.toReversed() : hues;
  const [only = ""] = ordered;
  return ordered.length === 1
    ? shares.map((share) => onGround(only, 0.15 + 0.85 * (color.reverse ? 1 - share : share)))
    : shares.map((share) => between(ordered, share));
}

/** The colour of a share of paint on the ground; few are near to the ground in either theme. */
function onGround(color: string, share: number): string {
  return `color-mix(in srgb, ${color} ${String(Math.round(share * 100))}%, var(--surface))`;
}

function between(colors: string[], share: number): string {
  const at = share * (colors.length - 1);
  const index = Math.min(Math.floor(at), colors.length - 2);
  const part = Math.round((at - index) * 100);
  return `color-mix(in srgb, ${colors[index + 1] ?? ""} ${String(part)}%, ${colors[index] ?? ""})`;
}
