/** Where the links of dashboards, panels and data lead, with their variables replaced. */

import type { DashboardLink, Link } from "../api/dashboards";
import { safeUrl } from "../links/safe";
import { rangeParams, type TimeRange } from "../time/range";
import { builtIns, type PanelContext, type Shown } from "./queries";
import { ALL, replaceVariables, type Values } from "./variables";

/** What a data link is of: a point of a series, a value, or a cell. */
export interface LinkScope {
  series: string;
  field: string;
  labels: Record<string, string>;
  value?: { raw: string; text: string; numeric: number | null; time: number | null; calc: string };
  /** The other cells of the row, by the names of their columns, in their order. */
  fields?: [string, { raw: string; text: string }][];
}

export interface ReadyLink {
  title: string;
  href: string;
  newTab: boolean;
}

/** Returns a panel's or data's link; null where it leads nowhere that a page may open. */
export function readyLink(
  link: Link,
  context: PanelContext,
  shown: Shown,
  range: TimeRange,
  scope?: LinkScope,
): ReadyLink | null {
  const fill = (text: string, encode: (value: string, first: boolean) => string): string =>
    fillText(text, context, shown, range, scope, encode);
  const href = safeHref(fill(link.url, encodeIn));
  if (href === null) {
    return null;
  }
  const title = fill(link.title, (value) => value);
  return { title: title === "" ? href : title, href, newTab: link.new_tab };
}

/** A value at the beginning may be a whole address; anywhere else it is a part of one. */
function encodeIn(value: string, first: boolean): string {
  return first ? encodeURI(value) : encodeURIComponent(value);
}

function fillText(
  text: string,
  context: PanelContext,
  shown: Shown,
  range: TimeRange,
  scope: LinkScope | undefined,
  encode: (value: string, first: boolean) => string,
): string {
  const given = builtIns(shown, 0, context);
  const known: Values = new Map();
  // The values that stand at the very beginning are told apart by their place in what is left of the text.
  const begins = /^\s*(\$|\[\[)/.test(text);
  let index = 0;
  return replaceVariables(text, known, "plain", (name, path, format) => {
    const first = begins && index === 0;
    index += 1;
    if (name === "__url_time_range") {
      return search(timeParams(range));
    }
    if (name === "__all_variables") {
      return search(variableParams(context.values));
    }
    const raw = format === "raw" ? (value: string): string => value : encode;
    const scoped = scope === undefined ? undefined : scopedValue(scope, name, path);
    if (scoped !== undefined) {
      return format === "percentencode" || format === "uriencode"
        ? encodeURIComponent(scoped)
        : raw(scoped, first);
    }
    if (context.values.has(name)) {
      const inner = format === "" ? "" : `:${format}`;
      const value = replaceVariables(`\${${name}${inner}}`, context.values, "plain");
      return format === "" ? encode(value, first) : value;
    }
    const builtIn = given(name, path, format);
    return builtIn === undefined ? undefined : encode(builtIn, first);
  });
}

/** Returns the label that a path such as `labels.job` or `labels["job"]` names. */
export function labelIn(path: string): string | undefined {
  return /^labels(?:\.|\[["']?)(.+?)["']?\]?$/.exec(path)?.[1];
}

function scopedValue(scope: LinkScope, name: string, path: string): string | undefined {
  if (name === "__series") {
    return path === "" || path === "name" ? scope.series : undefined;
  }
  if (name === "__field") {
    const label = labelIn(path);
    if (label !== undefined) {
      return scope.labels[label] ?? "";
    }
    return path === "name" || path === "" || path === "displayName" ? scope.field : undefined;
  }
  if (name === "__value" && scope.value !== undefined) {
    const { raw, text, numeric, time, calc } = scope.value;
    const given: Record<string, string> = {
      "": raw,
      raw,
      text,
      numeric: numeric === null ? "" : String(numeric),
      time: time === null ? "" : String(Math.round(time)),
      calc,
    };
    return given[path];
  }
  if (name === "__data") {
    const match = /^fields(?:\.([^.[\]]+)|\[(?:"([^"]*)"|'([^']*)'|(\d+))\])(?:\.(raw|text|numeric))?$/.exec(
      path,
    );
    const cells = scope.fields ?? [];
    const wanted = match?.[1] ?? match?.[2] ?? match?.[3];
    const cell = wanted === undefined ? cells[Number(match?.[4])] : cells.find(([key]) => key === wanted);
    return match === null ? undefined : (cell?.[1][match[5] === "text" ? "text" : "raw"] ?? "");
  }
  return undefined;
}

function search(params: [string, string][]): string {
  return new URLSearchParams(params).toString();
}

function timeParams(range: TimeRange): [string, string][] {
  return Object.entries(rangeParams(range)).flatMap(([name, value]) =>
    value === null ? [] : [[name, value]],
  );
}

function variableParams(values: Values): [string, string][] {
  return [...values].flatMap(([name, chosen]) =>
    (chosen.all ? [ALL] : chosen.values).map((value): [string, string] => [`var-${name}`, value]),
  );
}

/**
 * Returns an address that a page may open: of the web, of mail, or of this page; null for any other.
 *
 * Of Grafana's own addresses, `/d/uid/slug` becomes `/d/uid`.
 */
export function safeHref(text: string): string | null {
  const trimmed = text.trim();
  const url = safeUrl(/^d\//.test(trimmed) ? `/${trimmed}` : trimmed);
  if (url === null) {
    return null;
  }
  if (url.origin !== location.origin) {
    return url.href;
  }
  const board = /^\/d\/([^/]+)(?:\/[^/]*)?$/.exec(url.pathname)?.[1];
  if (board !== undefined) {
    url.pathname = `/d/${board}`;
  }
  return `${url.pathname}${url.search}${url.hash}`;
}

/** Returns where a dashboard's link leads, with what it takes along; null where it leads nowhere. */
export function dashboardHref(
  link: DashboardLink,
  context: PanelContext,
  shown: Shown,
  range: TimeRange,
): string | null {
  const href = safeHref(fillText(link.url, context, shown, range, undefined, encodeIn));
  return href === null ? null : withParams(href, link, context, range);
}

/** Adds to an address what a link takes along: the range of time and the variables. */
export function withParams(
  href: string,
  link: Pick<DashboardLink, "keep_time" | "keep_variables">,
  context: PanelContext,
  range: TimeRange,
): string {
  const params = [
    ...(link.keep_time ? timeParams(range) : []),
    ...(link.keep_variables ? variableParams(context.values) : []),
  ];
  if (params.length === 0) {
    return href;
  }
  const url = new URL(href, location.origin);
  for (const [name] of params) {
    url.searchParams.delete(name);
  }
  for (const [name, value] of params) {
    url.searchParams.append(name, value);
  }
  return url.origin === location.origin ? `${url.pathname}${url.search}${url.hash}` : url.href;
}
