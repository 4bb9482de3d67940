/** How the figures of services and calls are written. */

import { formatMs, formatValue } from "../format/number";

export function formatRate(calls: number, seconds: number): string {
  return `${formatValue(calls / seconds, "short")}/s`;
}

/** The share of errors; a dash where nothing was called. */
export function formatRatio({ calls, errors }: { calls: number; errors: number }): string {
  return calls === 0 ? "–" : formatValue(errors / calls, "percentunit", errors === 0 ? 0 : 1);
}

/** A duration in milliseconds; a dash where there is none. */
export function formatTook(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? "–" : formatMs(ms);
}
