/** How the figures of services and calls are written. */

import { formatMs, formatValue } from "../format/number";

const RATES = [
  { seconds: 1, unit: "s" },
  { seconds: 60, unit: "min" },
  { seconds: 3600, unit: "h" },
];
/** What is less often than this in one unit of time is told in the next. */
const LEAST = 0.1;

/** Calls a second; a minute or an hour where they are that rare. */
export function formatRate(calls: number, seconds: number): string {
  const rate = calls / seconds;
  const { seconds: each, unit } =
    (rate === 0 ? RATES[0] : RATES.find((one) => rate * one.seconds >= LEAST)) ??
    (RATES.at(-1) as (typeof RATES)[number]);
  return `${formatValue(rate * each, "short")}/${unit}`;
}

/** The share of errors; a dash where nothing was called. */
export function formatRatio({ calls, errors }: { calls: number; errors: number }): string {
  return calls === 0 ? "–" : formatValue(errors / calls, "percentunit", errors === 0 ? 0 : 1);
}

/** A duration in milliseconds; a dash where there is none. */
export function formatTook(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? "–" : formatMs(ms);
}
