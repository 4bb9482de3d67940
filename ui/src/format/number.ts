/** Formats values by Grafana's unit identifiers. */

import { ago, clockTime, dateTime, shownDate } from "./time";
import { type Unit, unitOf } from "./units";

const DASH = "–";
const THOUSANDS = ["", "k", "M", "G", "T", "P", "E"];
const SI = ["f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E"];
const IEC = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

const TIME_STEPS: [number, string][] = [
  [86_400 * 365.25, "y"],
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
  [1e-3, "ms"],
  [1e-6, "µs"],
  [1e-9, "ns"],
];

export function isKnownUnit(unit: string): boolean {
  return unit === "" || unitOf(unit) !== null;
}

/**
 * Formats one value; a missing one or NaN is a dash, an unknown unit a plain number.
 *
 * `decimals` null means three significant digits, without zeros at the end.
 */
export function formatValue(
  value: number | null | undefined,
  unit: string,
  decimals: number | null = null,
): string {
  if (value === null || value === undefined || Number.isNaN(value)) {
    return DASH;
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? "∞" : "−∞";
  }
  const found = unitOf(unit === "" ? "short" : unit);
  return found === null ? thousands(value, decimals) : formatUnit(value, found, decimals);
}

function formatUnit(value: number, unit: Unit, decimals: number | null): string {
  switch (unit.kind) {
    case "plain":
      return digits(value * (unit.factor ?? 1), decimals) + unit.suffix;
    case "count": {
      const text = thousands(Math.abs(value), decimals);
      const sign = value < 0 && Number.parseFloat(text) !== 0 ? "−" : "";
      return sign + (unit.prefix ?? "") + text + unit.suffix;
    }
    case "si":
      return prefixed(value, SI, 5 + unit.power, unit.small ? 0 : 5, 1000, unit.symbol, decimals);
    case "iec":
      return prefixed(value, IEC, unit.power, 0, 1024, unit.symbol, decimals);
    case "time":
      return formatSeconds(value * unit.seconds, decimals);
    case "duration":
      return duration(value * unit.seconds, unit.form);
    case "date":
      return moment(value, unit);
    case "bool":
      return value === 0 ? unit.no : unit.yes;
    case "locale":
      return value.toLocaleString(undefined, {
        maximumFractionDigits: decimals ?? 3,
        minimumFractionDigits: decimals ?? 0,
      });
    case "scientific":
      return value.toExponential(decimals ?? 2).replaceAll("-", "−");
    case "hex":
      return (value < 0 ? "−" : "") + unit.prefix + Math.abs(Math.trunc(value)).toString(16).toUpperCase();
    case "string":
      return String(value);
  }
}

/** Formats a length of time in the largest unit that leaves at least one whole. */
export function formatSeconds(seconds: number, decimals: number | null = null): string {
  if (seconds === 0) {
    return `${digits(0, decimals)} s`;
  }
  const size = Math.abs(seconds);
  const [step, name] = TIME_STEPS.find(([step]) => size >= step * 0.9995) ?? [1e-9, "ns"];
  return `${digits(seconds / step, decimals)} ${name}`;
}

export function formatMs(ms: number): string {
  return formatSeconds(ms / 1000);
}

/** Formats what stands beside an axis: with as many digits as tell its labels apart. */
export function formatTicks(values: number[], unit: string, decimals: number | null = null): string[] {
  const made = values.map((value) => formatValue(value, unit, decimals));
  for (let places = 1; new Set(made).size < values.length && decimals === null && places <= 6; places += 1) {
    values.forEach((value, i) => {
      made[i] = formatValue(value, unit, places);
    });
  }
  return made;
}

function thousands(value: number, decimals: number | null): string {
  let index = 0;
  let rest = value;
  while (Math.abs(rest) >= 999.5 && index < THOUSANDS.length - 1) {
    rest /= 1000;
    index += 1;
  }
  return digits(rest, decimals) + (THOUSANDS[index] ?? "");
}

/** Writes a value with the prefix to its symbol that leaves between one and `base` of it. */
function prefixed(
  value: number,
  prefixes: string[],
  power: number,
  lowest: number,
  base: number,
  symbol: string,
  decimals: number | null,
): string {
  let index = power;
  let rest = value;
  while (Math.abs(rest) >= base * 0.9995 && index < prefixes.length - 1) {
    rest /= base;
    index += 1;
  }
  while (rest !== 0 && Math.abs(rest) < 0.9995 && index > lowest) {
    rest *= base;
    index -= 1;
  }
  return `${digits(rest, decimals)} ${prefixes[index] ?? ""}${symbol}`;
}

function digits(value: number, decimals: number | null): string {
  const size = Math.abs(value);
  let places = decimals;
  if (places === null) {
    places = size === 0 || size >= 100 ? 0 : Math.min(6, 2 - Math.floor(Math.log10(size)));
  }
  const text = value.toFixed(Math.min(Math.max(places, 0), 20));
  const short = decimals === null && text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return (Number(short) === 0 ? short.replace("-", "") : short).replace("-", "−");
}

const two = (value: number): string => String(value).padStart(2, "0");

function duration(seconds: number, form: "words" | "clock" | "hms" | "dhms"): string {
  const sign = seconds < 0 ? "−" : "";
  const ms = Math.round(Math.abs(seconds) * 1000);
  const whole = Math.floor(ms / 1000);
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600);
  const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
  switch (form) {
    case "hms":
      return `${sign}${two(hours)}:${two(minutes)}:${two(rest)}`;
    case "dhms":
      return `${sign}${String(days)} d ${two(hours % 24)}:${two(minutes)}:${two(rest)}`;
    case "clock":
      return (
        sign +
        (hours > 0 ? `${two(hours)}h:` : "") +
        (whole >= 60 ? `${two(minutes)}m:` : "") +
        `${two(rest)}s:${String(ms % 1000).padStart(3, "0")}ms`
      );
    case "words":
      return sign + words(ms);
  }
}

const WORDS: [number, string][] = [
  [31_536_000_000, "y"],
  [2_592_000_000, "mo"],
  [604_800_000, "w"],
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
  [1, "ms"],
];

function words(ms: number): string {
  const parts: string[] = [];
  let rest = ms;
  for (const [size, name] of WORDS) {
    const many = Math.floor(rest / size);
    rest -= many * size;
    if (many > 0 && (name !== "ms" || parts.length === 0)) {
      parts.push(`${String(many)} ${name}`);
    }
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

function moment(ms: number, unit: Extract<Unit, { kind: "date" }>): string {
  const date = shownDate(ms);
  if (Number.isNaN(date.getTime())) {
    return DASH;
  }
  const today = unit.noDateToday === true && date.toDateString() === shownDate(Date.now()).toDateString();
  switch (unit.form) {
    case "iso":
      return today ? clockTime(ms) : dateTime(ms);
    case "us": {
      const hours = date.getHours() % 12 || 12;
      const clock = `${String(hours)}:${two(date.getMinutes())}:${two(date.getSeconds())} ${date.getHours() < 12 ? "am" : "pm"}`;
      return today
        ? clock
        : `${two(date.getMonth() + 1)}/${two(date.getDate())}/${String(date.getFullYear())} ${clock}`;
    }
    case "local":
      return today ? date.toLocaleTimeString() : date.toLocaleString();
    case "ago":
      return fromNow(ms);
    case "custom":
      return pattern(ms, unit.pattern ?? "");
  }
}

function fromNow(ms: number): string {
  const present = Date.now();
  return ms <= present
    ? ago(ms, present)
    : `in ${ago(present - (ms - present), present).replace(/ ago$/, "")}`;
}

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]; // prettier-ignore
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Writes a moment by the letters that Moment's formats have; what stands in brackets is text. */
function pattern(ms: number, form: string): string {
  const date = shownDate(ms);
  const hours = date.getHours();
  const parts: Record<string, string> = {
    YYYY: String(date.getFullYear()),
    YY: two(date.getFullYear() % 100),
    MMMM: MONTHS[date.getMonth()] ?? "",
    MMM: (MONTHS[date.getMonth()] ?? "").slice(0, 3),
    MM: two(date.getMonth() + 1),
    M: String(date.getMonth() + 1),
    DD: two(date.getDate()),
    D: String(date.getDate()),
    dddd: DAYS[date.getDay()] ?? "",
    ddd: (DAYS[date.getDay()] ?? "").slice(0, 3),
    HH: two(hours),
    H: String(hours),
    hh: two(hours % 12 || 12),
    h: String(hours % 12 || 12),
    mm: two(date.getMinutes()),
    m: String(date.getMinutes()),
    ss: two(date.getSeconds()),
    s: String(date.getSeconds()),
    SSS: String(date.getMilliseconds()).padStart(3, "0"),
    A: hours < 12 ? "AM" : "PM",
    a: hours < 12 ? "am" : "pm",
    X: String(Math.floor(ms / 1000)),
    x: String(ms),
  };
  const letters = /\[([^\]]*)\]|YYYY|YY|MMMM|MMM|MM|M|DD|D|dddd|ddd|HH|H|hh|h|mm|m|ss|s|SSS|A|a|X|x/g;
  return form === ""
    ? dateTime(ms)
    : form.replace(letters, (letter, text: string | undefined) => text ?? parts[letter] ?? letter);
}
