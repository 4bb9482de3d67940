/** Lines as text, to be copied and kept in files. */

import type { LogRecord } from "../api/logs";

export type FileFormat = "ndjson" | "text";

/** 2026-11-22 13:03:09.042118007 UTC: as exactly as it was sent, which the line's id tells. */
export function exactTime(log: Pick<LogRecord, "id" | "time_ms">): string {
  const nanoseconds = log.id.slice(0, log.id.indexOf("-")).slice(-9).padStart(9, "0");
  return `${new Date(log.time_ms).toISOString().slice(0, 19).replace("T", " ")}.${nanoseconds} UTC`;
}

/** 2026-11-22T13:03:09.042Z ERROR shop: the body */
export function lineText(log: LogRecord): string {
  const time = new Date(log.time_ms).toISOString();
  return [time, log.level || "-", `${log.service || "-"}:`, log.body].join(" ");
}

/** Writes lines one below the other, in a format; each ends with a line break. */
export function linesText(logs: readonly LogRecord[], format: FileFormat): string {
  return logs.map((log) => `${format === "text" ? lineText(log) : JSON.stringify(log)}\n`).join("");
}
