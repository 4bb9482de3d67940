/** How the data folder grows, and when it will be full. */

import type { Held, Holding } from "../api/status";

/** Returns the bytes that an item takes in segments, null where none is sealed yet. */
export function bytesPerItem(holding: Holding): number | null {
  const sealed = holding.items - holding.unsealed;
  return sealed > 0 && holding.bytes > 0 ? holding.bytes / sealed : null;
}

/** Returns by how many bytes a second a signal grows at a rate of items a second. */
export function growth(holding: Holding, itemsPerSecond: number | null): number | null {
  const each = bytesPerItem(holding);
  return each === null || itemsPerSecond === null ? null : each * itemsPerSecond;
}

export function usedBytes(held: Held): number {
  return held.signals.reduce((sum, one) => sum + one.bytes, held.journal_bytes);
}

export interface Outlook {
  /** Bytes that will be held once the oldest segments go by their age, null where there is no such limit. */
  settles: number | null;
  /** Seconds until the size's limit is met, null where that is never. */
  fullIn: number | null;
}

/**
 * Returns what becomes of the folder at the present growth, in bytes a second.
 *
 * Where the age's limit takes segments away before the size's is met, the folder settles and is never full.
 */
export function outlook(held: Held, bytesPerSecond: number): Outlook {
  const { retention_bytes: most, retention_seconds: age } = held;
  const settles = age > 0 ? bytesPerSecond * age : null;
  if (most === 0 || bytesPerSecond <= 0 || (settles !== null && settles <= most)) {
    return { settles, fullIn: null };
  }
  return { settles, fullIn: Math.max(0, (most - usedBytes(held)) / bytesPerSecond) };
}
