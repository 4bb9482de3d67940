/** The order of lines: by time, and those of one time by when they arrived, as a search has them. */

import type { LogRecord } from "../api/logs";

/** Sorts lines in place, the newest first. */
export function inOrder(lines: LogRecord[]): LogRecord[] {
  return lines.sort((a, b) => b.time_ms - a.time_ms || behind(b, a));
}

/** Returns the lines that several searches found, each once, the newest first. */
export function merged(lines: readonly LogRecord[]): LogRecord[] {
  return inOrder([...new Map(lines.map((line) => [line.id, line])).values()]);
}

/** Whether a line arrived after another: an id ends with a number, beyond 53 bits, that grows with each line. */
export function arrivedAfter(id: string, other: string): boolean {
  const [number, than] = [id, other].map((one) => one.slice(one.indexOf("-") + 1)) as [string, string];
  return number.length === than.length ? number > than : number.length > than.length;
}

/** Compares where two lines of one millisecond stand: by nanoseconds, then by when they arrived. */
function behind(a: LogRecord, b: LogRecord): number {
  // Of one length the ids compare as texts, which is quick; many lines may be of one millisecond.
  const later = a.id.length === b.id.length ? a.id > b.id : behindByParts(a.id, b.id);
  return later ? 1 : -1;
}

function behindByParts(a: string, b: string): boolean {
  const [at, than] = [a, b].map((id) => id.slice(0, id.indexOf("-"))) as [string, string];
  return at === than ? arrivedAfter(a, b) : at > than;
}
