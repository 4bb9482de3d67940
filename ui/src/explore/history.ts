/** The queries that were run in this browser, by language, the newest first. */

import { LANGS, type Lang } from "./state";

export interface Entry {
  text: string;
  /** When it was run last, Unix milliseconds. */
  at: number;
  favourite: boolean;
}

export type Entries = Record<Lang, Entry[]>;

/** How many of a language are kept, beside favourites, of which there may be as many. */
export const KEPT = 100;

/** Reads what was kept; what is damaged is left out. */
export function readEntries(kept: unknown): Entries {
  const entries: Entries = { metrics: [], logs: [], traces: [] };
  if (typeof kept !== "object" || kept === null) {
    return entries;
  }
  for (const lang of LANGS) {
    const list = (kept as Record<string, unknown>)[lang];
    entries[lang] = bounded(Array.isArray(list) ? list.filter(isEntry) : []);
  }
  return entries;
}

/** Returns the entries with a query that was run now in front; one that was there keeps its star. */
export function withRun(entries: Entry[], text: string, at: number): Entry[] {
  const before = entries.find((one) => one.text === text);
  const entry = { text, at, favourite: before?.favourite ?? false };
  return bounded([entry, ...entries.filter((one) => one !== before)]);
}

export function withStar(entries: Entry[], text: string): Entry[] {
  return bounded(entries.map((one) => (one.text === text ? { ...one, favourite: !one.favourite } : one)));
}

/** Those that have every word, favourites first. */
export function searchEntries(entries: Entry[], search: string): Entry[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = entries.filter((one) => words.every((word) => one.text.toLowerCase().includes(word)));
  return [...found.filter((one) => one.favourite), ...found.filter((one) => !one.favourite)];
}

function bounded(entries: Entry[]): Entry[] {
  const left = { true: KEPT, false: KEPT };
  return entries.filter((one) => (left[`${one.favourite}`] -= 1) >= 0);
}

function isEntry(one: unknown): one is Entry {
  const { text, at, favourite } = (one ?? {}) as Record<string, unknown>;
  return typeof text === "string" && typeof at === "number" && typeof favourite === "boolean";
}
