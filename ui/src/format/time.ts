/** Formats and reads moments in the zone that the reader has chosen; nothing else knows of time zones. */

import { zone } from "../state/zone.svelte";

/** A moment as a clock on the wall has it; months from 1. */
export interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
}

const two = (value: number): string => String(value).padStart(2, "0");

export function wallTime(ms: number): WallTime {
  const date = new Date(ms);
  return zone.utc
    ? {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        hour: date.getUTCHours(),
        minute: date.getUTCMinutes(),
        second: date.getUTCSeconds(),
        millisecond: date.getUTCMilliseconds(),
      }
    : {
        year: date.getFullYear(),
        month: date.getMonth() + 1,
        day: date.getDate(),
        hour: date.getHours(),
        minute: date.getMinutes(),
        second: date.getSeconds(),
        millisecond: date.getMilliseconds(),
      };
}

/** Returns how far the wall is behind UTC, in milliseconds: for steps of time that begin at whole hours and days. */
export function behindUtc(ms: number): number {
  return zone.utc ? 0 : new Date(ms).getTimezoneOffset() * 60_000;
}

/**
 * Returns a Date whose local fields are what the wall shows, for what knows of no other: uPlot, and the patterns of units.
 */
export function shownDate(ms: number): Date {
  return new Date(zone.utc ? ms + new Date(ms).getTimezoneOffset() * 60_000 : ms);
}

/** Returns the moment of a wall time, Unix milliseconds; a day that the month does not have is one of the next. */
export function momentOf(wall: Partial<WallTime> & Pick<WallTime, "year" | "month" | "day">): number {
  const { year, month, day, hour = 0, minute = 0, second = 0, millisecond = 0 } = wall;
  return zone.utc
    ? Date.UTC(year, month - 1, day, hour, minute, second, millisecond)
    : new Date(year, month - 1, day, hour, minute, second, millisecond).getTime();
}

/** 14:03:09 */
export function clockTime(ms: number): string {
  const { hour, minute, second } = wallTime(ms);
  return `${two(hour)}:${two(minute)}:${two(second)}`;
}

/** 14:03:09.042 */
export function preciseTime(ms: number): string {
  return `${clockTime(ms)}.${String(wallTime(ms).millisecond).padStart(3, "0")}`;
}

/** 2026-11-22 */
export function dayOf(ms: number): string {
  const { year, month, day } = wallTime(ms);
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
}

/** 2026-11-22 14:03:09 */
export function dateTime(ms: number): string {
  return `${dayOf(ms)} ${clockTime(ms)}`;
}

/** 2026-11-22 13:03:09.042 UTC */
export function utcTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace("T", " ")} UTC`;
}

/**
 * Reads a moment: a wall time as `dateTime` writes it, with or without seconds and with any part of a second, or, with
 * Z or an offset, as ISO 8601 has it. Null where the text is none.
 */
export function parseTime(text: string): number | null {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/i.exec(
      text.trim(),
    );
  if (match === null) {
    return null;
  }
  const number = (index: number): number => Number(match[index] ?? 0);
  const wall: WallTime = {
    year: number(1),
    month: number(2),
    day: number(3),
    hour: number(4),
    minute: number(5),
    second: number(6),
    millisecond: Math.floor(Number(`0.${match[7] ?? "0"}`) * 1000),
  };
  if (!isReal(wall)) {
    return null;
  }
  const offset = match[8]?.toUpperCase();
  if (offset === undefined) {
    return momentOf(wall);
  }
  const { year, month, day, hour, minute, second, millisecond } = wall;
  const utc = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
  if (offset === "Z" || offset === "UTC") {
    return utc;
  }
  const sign = offset.startsWith("-") ? 1 : -1;
  return utc + sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2))) * 60_000;
}

/** Tells whether there is such a day, and such a time of a day. */
function isReal({ year, month, day, hour, minute, second }: WallTime): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  const known = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return known && (hour < 24 || (hour === 24 && minute + second === 0)) && minute < 60 && second < 60;
}

/** "12 s ago"; rounded down to one unit, and "just now" below two seconds. */
export function ago(ms: number, now: number): string {
  const seconds = Math.floor((now - ms) / 1000);
  return seconds < 2 ? "just now" : `${span(seconds)} ago`;
}

/** "1 h 5 min": at most two units of a whole number of seconds. */
export function span(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, Math.round(seconds));
  for (const [size, name] of [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) {
      parts.push(`${String(count)} ${name}`);
      rest -= count * size;
    }
    if (parts.length === 2) {
      break;
    }
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}
