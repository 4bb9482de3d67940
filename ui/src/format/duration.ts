/** Durations that people type: "250ms", "1.5s", "2m"; a bare number is milliseconds. */

const UNITS: Record<string, number> = { "": 1, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Returns milliseconds, or null where the text is no duration. */
export function parseDuration(text: string): number | null {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-zµ]*)\s*$/i.exec(text);
  const unit = UNITS[(match?.[2] ?? "").toLowerCase()];
  return match === null || unit === undefined ? null : Number(match[1]) * unit;
}
