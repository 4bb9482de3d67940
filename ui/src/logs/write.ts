/** Lines as text, to be copied and kept in files. */

import type { LogRecord } from "../api/logs";

export type FileFormat = "ndjson" | "text";

/** 2026-11-22T13:03:09.042Z ERROR shop: the body */
export function lineText(log: LogRecord): string {
  const time = new Date(log.time_ms).toISOString();
  return [time, log.level || "-", `${log.service || "-"}:`, log.body].join(" ");
}

/** Writes lines one below the other, in a format; each ends with a line break. */
export function linesText(logs: readonly LogRecord[], format: FileFormat): string {
  return logs.map((log) => `${format === "text" ? lineText(log) : JSON.stringify(log)}\n`).join("");
}
