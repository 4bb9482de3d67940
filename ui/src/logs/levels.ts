/** The levels of log lines, by OpenTelemetry's severity numbers: four to each. */

import type { LogRecord } from "../api/logs";

/** From the lowest to the highest. */
export const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const;

export type Tone = "none" | "trace" | "debug" | "info" | "warn" | "error" | "fatal";

const NAMES: Record<string, Tone> = { warning: "warn", critical: "fatal" };

export function toneOf(record: Pick<LogRecord, "level" | "severity_number">): Tone {
  const number = record.severity_number;
  if (number >= 1 && number <= 24) {
    return toneNamed(LEVELS[Math.floor((number - 1) / 4)] ?? "");
  }
  return toneNamed(record.level);
}

export function toneNamed(level: string): Tone {
  const name = level.toLowerCase();
  return (
    NAMES[name] ?? ((LEVELS as readonly string[]).includes(name.toUpperCase()) ? (name as Tone) : "none")
  );
}

/** The custom property of a level's colour. */
export const LEVEL_COLORS: Record<Tone, string> = {
  none: "--border-strong",
  trace: "--border-strong",
  debug: "--series-5",
  info: "--series-0",
  warn: "--hue-yellow",
  error: "--hue-red",
  fatal: "--hue-purple",
};

/** Returns levels with their numbers from the highest to the lowest, others last. */
export function inOrder(levels: Record<string, number>): [string, number][] {
  const rank = (level: string): number => (LEVELS as readonly string[]).indexOf(level);
  return Object.entries(levels).sort(([a], [b]) => rank(b) - rank(a) || (a < b ? -1 : 1));
}
