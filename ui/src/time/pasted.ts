/** Ranges as other programs copy them, as texts such as "now-1h to now". */

/**
 * Returns the range that a copied text has; null where it has none.
 *
 * That is what Grafana's time picker copies, `{"from": "now-1h", "to": "now"}`, and an address of Grafana, of Jaeger, of
 * Kibana or of this page.
 */
export function pastedRange(text: string): string | null {
  if (text.startsWith("{")) {
    return fromJson(text);
  }
  const kibana = /time:\(from:'?([^,')]+)'?,to:'?([^,')]+)'?\)/.exec(decoded(text));
  if (kibana !== null) {
    return `${kibana[1] ?? ""} to ${kibana[2] ?? ""}`;
  }
  const query = new URLSearchParams(/[?&](?=[^?]*$)(.*)/.exec(`?${text}`)?.[1] ?? "");
  const from = query.get("from") ?? query.get("start");
  const to = query.get("to") ?? query.get("end");
  return from === null || to === null ? query.get("range") : `${from} to ${to}`;
}

function fromJson(text: string): string | null {
  try {
    const { from, to } = JSON.parse(text) as { from?: unknown; to?: unknown };
    const [begin, end] = [from, to].map((one) =>
      typeof one === "string" || typeof one === "number" ? String(one) : null,
    );
    return begin == null || end == null ? null : `${begin} to ${end}`;
  } catch {
    return null;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
