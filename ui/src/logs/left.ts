/** What was read when the view of lines was left, shown as it was to who comes back by a step of the history. */

import { router } from "../state/router.svelte";
import type { Kept } from "./found.svelte";

/** How far someone has read a list: which lines are open, and which one is seen first. */
export interface Place {
  open: ReadonlySet<string>;
  /** null at the top. */
  first: { id: string; below: number } | null;
}

export interface Left {
  href: string;
  kept: Kept;
  place: Place;
}

let left: Left | null = null;

export function leave(now: Left | null): void {
  left = now;
}

/** Returns what was left at the present address; null for who came to it anew. */
export function comeBack(): Left | null {
  return router.stepped && left?.href === router.with({}) ? left : null;
}
