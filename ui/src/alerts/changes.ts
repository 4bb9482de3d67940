/** What changed before an alert: deployments, restarts, other alerts, silences. Times are Unix milliseconds. */

import type { History, SilenceChange, Transition } from "../api/alerts";
import type { Labels, MatrixSeries } from "../api/metrics";
import { alertHref, labelLine, labelsKey } from "./describe";
import { groupBy } from "./group";
import { agrees } from "./placeholders";

export type ChangeKind = "deployment" | "restart" | "alert" | "silence";

export interface Change {
  at: number;
  kind: ChangeKind;
  text: string;
  detail: string;
  href: string;
  /** It is of the alert's own service, job or instance, as far as both say. */
  own: boolean;
}

/** Every program that says its version does it by such a metric. */
export const BUILDS = '{__name__=~".*build_info"}';
export const STARTS = "process_start_time_seconds";

const WHERE = ["service", "job", "namespace", "instance", "pod"];
const VERSION = ["version", "revision", "commit", "build", "image"];

/** Tells whether something is where an alert is: they name a place in common, and none that differs. */
export function isOwn(labels: Labels, alert: Labels): boolean {
  const places = (given: Labels): Labels =>
    Object.fromEntries(WHERE.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));
  const [one, other] = [places(labels), places(alert)];
  const common = ["service", "job", "instance"].some(
    (name) => one[name] !== undefined && one[name] === other[name],
  );
  // A service is in several places: what is of the same service is its own, wherever it runs.
  const sameService = one["service"] !== undefined && one["service"] === other["service"];
  return common && (sameService || agrees(one, other));
}

/** The versions that appeared within a range, which each `matrix` series begins before. */
export function deployments(matrix: MatrixSeries[], from: number, to: number, alert: Labels): Change[] {
  const groups = groupBy(matrix, ({ metric }) =>
    JSON.stringify([metric["__name__"], metric["service"] ?? metric["job"] ?? metric["instance"] ?? ""]),
  );
  const found: Change[] = [];
  for (const series of groups.values()) {
    const firstSeen = new Map<string, { at: number; metric: Labels }>();
    for (const { metric, values } of series) {
      const version = versionOf(metric);
      const at = (values?.[0]?.[0] ?? Infinity) * 1000;
      if (at < (firstSeen.get(version)?.at ?? Infinity)) {
        firstSeen.set(version, { at, metric });
      }
    }
    for (const [version, { at, metric }] of firstSeen) {
      if (at < from || at > to) {
        continue;
      }
      const before = [...firstSeen].filter(([, one]) => one.at < at).sort(([, a], [, b]) => b.at - a.at)[0];
      const who = metric["service"] ?? metric["job"] ?? metric["instance"] ?? "";
      found.push({
        at,
        kind: "deployment",
        text: `${who} ${before === undefined ? `was first seen, in version ${version}` : `went from version ${before[0]} to ${version}`}`,
        detail: metric["__name__"] ?? "",
        href: "",
        own: isOwn(metric, alert),
      });
    }
  }
  return found;
}

function versionOf(metric: Labels): string {
  const [first, ...rest] = VERSION.flatMap((name) => {
    const value = metric[name];
    return value === undefined || value === "" || value === "unknown"
      ? []
      : [name === "revision" ? value.slice(0, 12) : value];
  });
  return first === undefined ? "unknown" : rest.length === 0 ? first : `${first} (${rest.join(", ")})`;
}

/** The processes that began within a range, by when they say that they did. */
export function restarts(matrix: MatrixSeries[], from: number, to: number, alert: Labels): Change[] {
  return matrix.flatMap(({ metric, values }): Change[] => {
    const starts = [...new Set((values ?? []).map(([, text]) => Number(text) * 1000))];
    const who = metric["service"] ?? metric["job"] ?? "";
    const where = metric["pod"] ?? metric["instance"] ?? "";
    return starts
      .filter((at) => at >= from && at <= to)
      .map((at) => ({
        at,
        kind: "restart",
        text: `${who === "" ? where : who} ${starts.some((one) => one < at) ? "restarted" : "started"}`,
        detail: who === "" ? "" : where,
        href: "",
        own: isOwn(metric, alert),
      }));
  });
}

/** What happened to other alerts and to silences within a range. */
export function events(history: History, from: number, to: number, name: string, alert: Labels): Change[] {
  const within = (one: { at_ms: number }): boolean => one.at_ms >= from && one.at_ms <= to;
  const others = groupBy(
    history.transitions.filter((one) => one.rule !== name && within(one)),
    (one) => labelsKey(one.labels),
  );
  // A rule moves many of its instances at one evaluation: that is one thing that happened.
  const moments = groupBy([...others.values()].flatMap(worthTelling), (one) =>
    JSON.stringify([one.rule, one.state, one.at_ms]),
  );
  return [
    ...[...moments.values()].flatMap(told),
    ...history.silence_changes.filter(within).map((one): Change => ({
      at: one.at_ms,
      kind: "silence",
      text: silenceText(one),
      detail: one.matchers.join(", "),
      href: `/silences?id=${one.silence}`,
      own: false,
    })),
  ];

  function told(together: Transition[]): Change[] {
    const [first] = together;
    if (first === undefined) {
      return [];
    }
    const labels = Object.fromEntries(
      Object.entries(first.labels).filter(([label]) => label !== "alertname"),
    );
    return [
      {
        at: first.at_ms,
        kind: "alert",
        text: `${first.rule} ${became(first)}`,
        detail: together.length === 1 ? labelLine(labels) : `${String(together.length)} instances`,
        href: alertHref(first.rule),
        own: together.some((one) => isOwn(one.labels, alert)),
      },
    ];
  }
}

/** Leaves out what was pending for a while and came to nothing. */
function worthTelling(transitions: Transition[]): Transition[] {
  return transitions.filter((one, i) =>
    one.state === "pending"
      ? i === transitions.length - 1
      : one.state === "firing" || transitions[i - 1]?.state !== "pending",
  );
}

/** Who ended a silence is not known by name. */
function silenceText({ action, created_by }: SilenceChange): string {
  return action === "expired"
    ? `A silence of ${created_by || "somebody"} was expired`
    : `${created_by || "Somebody"} ${action} a silence`;
}

function became({ state }: Transition): string {
  return state === "inactive" ? "ended" : state === "firing" ? "fired" : "became pending";
}
