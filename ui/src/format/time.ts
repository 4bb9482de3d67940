/** Formats moments in the reader's own time zone. */

const two = (value: number): string => String(value).padStart(2, "0");

/** 14:03:09 */
export function clockTime(ms: number): string {
  const date = new Date(ms);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** 14:03:09.042 */
export function preciseTime(ms: number): string {
  return `${clockTime(ms)}.${String(Math.floor(((ms % 1000) + 1000) % 1000)).padStart(3, "0")}`;
}

/** 2026-11-22 14:03:09 */
export function dateTime(ms: number): string {
  const date = new Date(ms);
  return `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(ms)}`;
}

/** 2026-11-22 13:03:09.042 UTC */
export function utcTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace("T", " ")} UTC`;
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
