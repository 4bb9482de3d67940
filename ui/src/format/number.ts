/** Formats values by Grafana's unit identifiers. */

const DASH = "–";

/** Suffix of units that scale by 1000 with k, M, G (`Mil` style letters as Grafana's "short"). */
const SHORT: Record<string, string> = {
  none: "",
  short: "",
  reqps: " req/s",
  rps: " rd/s",
  wps: " wr/s",
  iops: " io/s",
  ops: " ops/s",
  cps: " c/s",
  eps: " evt/s",
  mps: " msg/s",
  rpm: " rd/min",
  opm: " ops/min",
  reqpm: " req/min",
};

interface Scale {
  base: number;
  names: string[];
}

const BYTES: Record<string, Scale> = {
  bytes: { base: 1024, names: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] },
  decbytes: { base: 1000, names: ["B", "kB", "MB", "GB", "TB", "PB"] },
  binBps: { base: 1024, names: ["B/s", "KiB/s", "MiB/s", "GiB/s", "TiB/s"] },
  Bps: { base: 1000, names: ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"] },
  bits: { base: 1024, names: ["b", "Kib", "Mib", "Gib", "Tib"] },
  decbits: { base: 1000, names: ["b", "kb", "Mb", "Gb", "Tb"] },
  bps: { base: 1000, names: ["b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s"] },
};

/** Seconds in one of the unit. */
const TIMES: Record<string, number> = { ns: 1e-9, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400 };

const TIME_STEPS: [number, string][] = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
  [1e-3, "ms"],
  [1e-6, "µs"],
  [1e-9, "ns"],
];

export function isKnownUnit(unit: string): boolean {
  return unit === "percent" || unit === "percentunit" || unit in SHORT || unit in BYTES || unit in TIMES;
}

/**
 * Formats one value; a missing one or NaN is a dash.
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
  if (unit === "percentunit") {
    return `${digits(value * 100, decimals)} %`;
  }
  if (unit === "percent") {
    return `${digits(value, decimals)} %`;
  }
  const seconds = TIMES[unit];
  if (seconds !== undefined) {
    return formatSeconds(value * seconds, decimals);
  }
  const bytes = BYTES[unit];
  if (bytes !== undefined) {
    return scaled(value, bytes.base, bytes.names, decimals);
  }
  if (unit === "none") {
    return digits(value, decimals);
  }
  return scaled(value, 1000, ["", "k", "M", "G", "T", "P"], decimals, "") + (SHORT[unit] ?? "");
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

function scaled(value: number, base: number, names: string[], decimals: number | null, gap = " "): string {
  let index = 0;
  let rest = value;
  while (Math.abs(rest) >= base * 0.9995 && index < names.length - 1) {
    rest /= base;
    index += 1;
  }
  const name = names[index] ?? "";
  return digits(rest, decimals) + (name === "" ? "" : gap + name);
}

function digits(value: number, decimals: number | null): string {
  const size = Math.abs(value);
  let places = decimals;
  if (places === null) {
    places = size === 0 || size >= 100 ? 0 : Math.min(6, 2 - Math.floor(Math.log10(size)));
  }
  const text = value.toFixed(places);
  const short = decimals === null && text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return (Number(short) === 0 ? short.replace("-", "") : short).replace("-", "−");
}
