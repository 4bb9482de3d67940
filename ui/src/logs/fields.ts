/** The fields of one line, under the names by which they are searched. */

import type { LogRecord } from "../api/logs";

const OWN = [
  "level",
  "severity_number",
  "service",
  "scope",
  "trace_id",
  "span_id",
  "correlation_id",
] as const satisfies (keyof LogRecord)[];

export interface LineField {
  name: string;
  value: unknown;
  /** Where it stands. */
  group: "line" | "attributes" | "resource";
}

/** Returns all fields of a line but its time and its body; an attribute hides one of the resource. */
export function fieldsOf(record: LogRecord): LineField[] {
  const own: LineField[] = OWN.filter((name) => record[name] !== "" && record[name] !== 0).map((name) => ({
    name,
    value: record[name],
    group: "line",
  }));
  const seen = new Set<string>(OWN);
  const others = (["attributes", "resource"] as const).flatMap((group) =>
    Object.entries(record[group])
      .filter(([name, value]) => {
        const fresh = !seen.has(name) && value !== null;
        seen.add(name);
        return fresh;
      })
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]): LineField => ({ name, value, group })),
  );
  return [...own, ...others];
}

/** Returns the value of a line's field as text; "" where it has none. */
export function fieldText(record: LogRecord, name: string): string {
  if (name === "body" || name === "message") {
    return record.body;
  }
  const own = OWN.find((one) => one === name);
  if (own !== undefined) {
    return record[own] === 0 ? "" : String(record[own]);
  }
  const value = record.attributes[name] ?? record.resource[name];
  return value === undefined || value === null ? "" : valueText(value);
}

export function valueText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Whether lines can be filtered by this value; what has parts is searched by them. */
export function isPlain(value: unknown): boolean {
  return typeof value !== "object";
}

const LONGEST_JSON = 200_000;
const LONGEST_INDENTED = 2_000_000;

/** Returns a body that is a JSON object or list, indented; null for any other. Numbers keep all their digits. */
export function prettyJson(body: string): string | null {
  if (!/^\s*[[{]/.test(body) || body.length > LONGEST_JSON) {
    return null;
  }
  try {
    JSON.parse(body);
  } catch {
    return null;
  }
  let text = "";
  let depth = 0;
  let last = "";
  for (const [token] of body.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const closes = token === "}" || token === "]";
    depth -= closes ? 1 : 0;
    const opened = last === "{" || last === "[";
    if (last === "," || (opened !== closes && (opened || closes))) {
      text += `\n${"  ".repeat(depth)}`;
    }
    text += token === ":" ? ": " : token;
    depth += token === "{" || token === "[" ? 1 : 0;
    last = token;
    if (text.length > LONGEST_INDENTED) {
      return null;
    }
  }
  return text;
}
