/** What the operator should look at, found in all that the observatory tells of itself. */

import type { Account, Configuration, Held, Limit, RuleGroup, Status, Target } from "../api/status";
import { formatSeconds, formatValue } from "../format/number";
import { ago } from "../format/time";
import { usedBytes } from "./storage";

export interface Trouble {
  tone: "bad" | "warn";
  text: string;
  detail: string;
  /** The tab that shows more. */
  tab: string;
}

export interface Known {
  status: Status | undefined;
  targets: Target[] | undefined;
  groups: RuleGroup[] | undefined;
  limits: Limit[] | undefined;
  held: Held | undefined;
  configuration: Configuration | undefined;
  /** What could not be asked, so that nobody takes it for well. */
  unanswered: { what: string; error: string; tab: string }[];
}

/** A limit that is used by so much is said before it bites. */
const NEAR = 0.8;
/** What was refused, or has failed, needs nobody any more after so long. */
const RECENT_MS = 3_600_000;
/** Bytes below which a disk is as good as full: what is not sealed yet and what merging needs must have room. */
const NO_ROOM = 256 * 2 ** 20;

export function troubles(known: Known, now: number): Trouble[] {
  return [
    ...known.unanswered.map(({ what, error, tab }) => ({
      tone: "bad" as const,
      text: `${what} could not be asked for`,
      detail: error,
      tab,
    })),
    ...ofConfiguration(known.configuration, now),
    ...ofTargets(known.targets),
    ...ofRules(known.groups),
    ...ofInputs(known.status?.inputs, now),
    ...ofLimits(known.limits, now),
    ...ofReceivers(known.status),
    ...ofStorage(known.held, now),
  ];
}

function ofConfiguration(configuration: Configuration | undefined, now: number): Trouble[] {
  const tab = "configuration";
  if (configuration === undefined) {
    return [];
  }
  if (configuration.error !== "") {
    const text = `The configuration could not be read again ${ago(configuration.tried_ms, now)}`;
    return [{ tone: "bad", text, detail: configuration.error, tab }];
  }
  const changed = configuration.files.filter((file) => file.changed);
  return changed.length === 0
    ? []
    : [
        {
          tone: "warn",
          text: `${counted(changed.length, "file was", "files were")} changed and not read again`,
          detail: named(changed.map((file) => file.path)),
          tab,
        },
      ];
}

function ofTargets(targets: Target[] | undefined): Trouble[] {
  // A target that need not run is no trouble while it does not.
  const down = (targets ?? []).filter(
    (target) => target.health === "down" && target.labels["optional"] !== "true",
  );
  return down.length === 0
    ? []
    : [
        {
          tone: "bad",
          text: `${counted(down.length, "target is", "targets are")} down`,
          detail: named(down.map((target) => target.labels["instance"] ?? target.scrapeUrl)),
          tab: "targets",
        },
      ];
}

function ofRules(groups: RuleGroup[] | undefined): Trouble[] {
  const failing = (groups ?? []).flatMap((group) => group.rules.filter((rule) => rule.health === "err"));
  const slow = (groups ?? []).filter((group) => group.evaluationTime > group.interval);
  const found: Trouble[] = [];
  if (failing.length > 0) {
    found.push({
      tone: "bad",
      text: `${counted(failing.length, "rule", "rules")} cannot be evaluated`,
      detail: named(failing.map((rule) => rule.name)),
      tab: "rules",
    });
  }
  for (const group of slow) {
    found.push({
      tone: "warn",
      text: `The group ${group.name} takes longer than its interval`,
      detail: `${formatSeconds(group.evaluationTime)} of ${formatSeconds(group.interval)}`,
      tab: "rules",
    });
  }
  return found;
}

function isRecent(at: number, now: number): boolean {
  return now - at <= RECENT_MS;
}

function ofInputs(inputs: Account[] | undefined, now: number): Trouble[] {
  return (inputs ?? []).flatMap((input) => {
    const last = input.last_refusals[0];
    if (last === undefined || !isRecent(last.at_ms, now)) {
      return [];
    }
    const refused = Object.values(input.refused).reduce((sum, one) => sum + one, 0);
    return [
      {
        tone: "warn" as const,
        text: `${input.title}: ${formatValue(refused, "short")} refused, the last ${ago(last.at_ms, now)}`,
        detail: said(last.message, last.offender),
        tab: "inputs",
      },
    ];
  });
}

function ofLimits(limits: Limit[] | undefined, now: number): Trouble[] {
  return (limits ?? []).flatMap((limit): Trouble[] => {
    const tab = "limits";
    const share = usedShare(limit);
    // Retention is there to be reached.
    if (share !== null && share >= NEAR && !limit.name.startsWith("Retention")) {
      return [
        {
          tone: share >= 1 ? "bad" : "warn",
          text: `${limit.name}: ${formatValue(share, "percentunit", 0)} of the limit`,
          detail: `${formatValue(limit.used, limit.unit)} of ${formatValue(limit.most, limit.unit)}`,
          tab,
        },
      ];
    }
    // What an input refused is told with the input.
    if (limit.group === "inputs" || limit.last_at_ms === null || !isRecent(limit.last_at_ms, now)) {
      return [];
    }
    return [
      {
        tone: "warn",
        text: `${limit.name}: ${formatValue(limit.count, "short")} refused, the last ${ago(limit.last_at_ms, now)}`,
        detail: said(limit.last_message, limit.last_offender),
        tab,
      },
    ];
  });
}

function ofReceivers(status: Status | undefined): Trouble[] {
  const failing = (status?.receivers ?? []).filter((receiver) =>
    receiver.integrations.some((one) => one.status === "ready" && Boolean(one.last_error)),
  );
  return failing.map((receiver) => ({
    tone: "bad",
    text: `The receiver ${receiver.name} could not be told`,
    detail: receiver.integrations.find((one) => one.last_error)?.last_error ?? "",
    tab: "notifications",
  }));
}

function ofStorage(held: Held | undefined, now: number): Trouble[] {
  if (held === undefined) {
    return [];
  }
  const found: Trouble[] = ofDisk(held);
  for (const [name, text] of FAILURES) {
    const last = recentFailure(held, name, now);
    if (last !== null) {
      const count = Number(held.counters[name] ?? 0);
      found.push({
        tone: "warn",
        text: `${text} ${counted(count, "time", "times")}, the last ${ago(last, now)}`,
        detail: "It is tried again; the observatory's log says why.",
        tab: "storage",
      });
    }
  }
  if (held.damaged_files > 0) {
    found.push({
      tone: "bad",
      text: `${counted(held.damaged_files, "file was", "files were")} set aside as damaged`,
      detail: `${formatValue(held.damaged_bytes, "bytes")} in ${held.folder}`,
      tab: "storage",
    });
  }
  if (held.read_by_others) {
    found.push({
      tone: "warn",
      text: "Other users of this machine can read the data folder",
      detail: `chmod 700 ${held.folder}`,
      tab: "storage",
    });
  }
  return found;
}

/** By the names of their counters; what failed leaves the data where it was. */
const FAILURES = [
  ["seal_failures", "Sealing failed"],
  ["upkeep_failures", "Merging or removing segments failed"],
  ["unlink_failures", "Removing a file failed"],
] as const;

function ofDisk(held: Held): Trouble[] {
  const { free_bytes: free, retention_bytes: most } = held;
  if (free === null) {
    return [];
  }
  const left = `${formatValue(free, "bytes")} left for ${held.folder}`;
  const toCome = most - usedBytes(held);
  if (free < NO_ROOM) {
    return [{ tone: "bad", text: "The disk is full, or nearly so", detail: left, tab: "storage" }];
  }
  return most > 0 && free < toCome
    ? [
        {
          tone: "warn",
          text: "The disk will be full before the retention removes anything",
          detail: `${left}, while ${formatValue(toCome, "bytes")} more may be kept`,
          tab: "storage",
        },
      ]
    : [];
}

/** Returns when a failure was last counted, in Unix milliseconds; null where that is long ago, or never was. */
export function recentFailure(held: Held, counter: string, now: number): number | null {
  const last = held.counters.last_failures_ms?.[counter];
  return last === undefined || !isRecent(last, now) ? null : last;
}

/** Returns how much of a limit is used, null where that is not known. */
export function usedShare(limit: Limit): number | null {
  return limit.used === null || limit.most === null || limit.most === 0 ? null : limit.used / limit.most;
}

function said(message: string, offender: string): string {
  return offender === "" || message === "" ? message + offender : `${message} (${offender})`;
}

function counted(count: number, one: string, many: string): string {
  return `${String(count)} ${count === 1 ? one : many}`;
}

function named(names: string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).join(", ") + (more > 0 ? ` and ${String(more)} more` : "");
}
