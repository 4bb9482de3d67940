/** Where the palette can lead beside the commands: what the observatory knows by name, and searches for what was typed. */

import { getPlaybooks } from "../api/alerts";
import { getDashboards } from "../api/dashboards";
import { get } from "../api/http";
import { getServices } from "../api/traces";
import { quoted } from "../logs/kql";
import type { Command } from "../state/commands.svelte";
import { router } from "../state/router.svelte";
import { traceHref } from "../links/trace";

const MOST_METRICS = 20_000;

/** Returns a command that goes somewhere. */
export function to(section: string, title: string, href: string, more: Partial<Command> = {}): Command {
  return {
    section,
    title,
    run: () => {
      router.go(href);
    },
    ...more,
  };
}

const encoded = encodeURIComponent;

/** Asks for all that has a name; what cannot be had is left out. */
export async function namedPlaces(signal: AbortSignal): Promise<Command[]> {
  const lists = await Promise.allSettled([
    dashboards(signal),
    services(signal),
    playbooks(signal),
    metrics(signal),
  ]);
  return lists.flatMap((list) => (list.status === "fulfilled" ? list.value : []));
}

async function dashboards(signal: AbortSignal): Promise<Command[]> {
  return (await getDashboards(signal)).map((one) => to("Dashboards", one.title, `/d/${encoded(one.uid)}`));
}

async function services(signal: AbortSignal): Promise<Command[]> {
  return (await getServices(signal)).flatMap(({ name }) => [
    to("Services", `Traces of ${name}`, `/traces?service=${encoded(name)}`),
    to("Services", `Logs of ${name}`, `/logs?service=${encoded(name)}`),
  ]);
}

async function playbooks(signal: AbortSignal): Promise<Command[]> {
  return (await getPlaybooks(signal)).map(({ name, title }) =>
    to("Playbooks", title, `/playbooks/${encoded(name)}`, { also: name }),
  );
}

async function metrics(signal: AbortSignal): Promise<Command[]> {
  const { data } = await get<{ data: string[] }>(
    "/api/v1/label/__name__/values",
    { limit: MOST_METRICS },
    signal,
  );
  return data.map((name) => to("Metrics", name, `/explore?expr=${encoded(name)}`));
}

/** Returns the trace whose id was typed, if it is one: 16 or 32 hexadecimal digits, also in a traceparent or in pieces. */
export function traceIn(text: string): Command[] {
  const trimmed = text.trim().toLowerCase();
  const id = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(trimmed)?.[1] ?? trimmed.replaceAll("-", "");
  return /^[0-9a-f]{16}([0-9a-f]{16})?$/.test(id)
    ? [to("Go to", `Trace ${id}`, traceHref(id.padStart(32, "0")))]
    : [];
}

/** Returns the query for lines that have a text; what may be the id of a request is in their fields, not in what they say. */
function wordsOf(text: string): string {
  const phrase = quoted(text);
  return /^(?=.*\d)[\w.:-]{6,}$/.test(text) ? `${phrase} or correlation_id: ${phrase}` : phrase;
}

/** Returns what can be done with any text: searches for it. */
export function searches(text: string): Command[] {
  const typed = text.trim();
  if (typed === "") {
    return [];
  }
  // A text with operators may be a query, or a line that was copied.
  const query = to("Search", `Search logs by the query ${typed}`, `/logs?query=${encoded(typed)}`);
  return [
    to("Search", `Search logs for ${typed}`, `/logs?query=${encoded(wordsOf(typed))}`),
    ...(/[":*()<>]/.test(typed) ? [query] : []),
    to("Search", `Search traces with a span ${typed}`, `/traces?name=${encoded(typed)}`),
    to("Search", `Query metrics: ${typed}`, `/explore?expr=${encoded(typed)}`),
  ];
}
