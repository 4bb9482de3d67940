/** The units that a reader chooses from, by Grafana's names. */

export const UNITS: readonly [unit: string, title: string][] = [
  ["short", "Number (k, M)"],
  ["none", "Number in full"],
  ["percentunit", "Percent, of 0 to 1"],
  ["percent", "Percent, of 0 to 100"],
  ["s", "Seconds"],
  ["ms", "Milliseconds"],
  ["bytes", "Bytes (KiB)"],
  ["decbytes", "Bytes (kB)"],
  ["binBps", "Bytes per second (KiB/s)"],
  ["reqps", "Requests per second"],
  ["ops", "Operations per second"],
];
