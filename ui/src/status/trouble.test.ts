import { describe, expect, it } from "vitest";

import type { Account, Held, Limit, RuleGroup, Status, Target } from "../api/status";
import { type Known, troubles, usedShare } from "./trouble";

const NOW = 10_000_000;
const NOTHING: Known = {
  status: undefined,
  targets: undefined,
  groups: undefined,
  limits: undefined,
  held: undefined,
  configuration: undefined,
  unanswered: [],
};
const HELD: Held = {
  folder: "/data",
  signals: [],
  journal_bytes: 0,
  damaged_files: 0,
  damaged_bytes: 0,
  read_by_others: false,
  retention_seconds: 0,
  retention_bytes: 10 * 2 ** 30,
  free_bytes: 20 * 2 ** 30,
  counters: {},
};
const LIMIT: Limit = {
  name: "Series",
  group: "storage",
  unit: "",
  used: 90,
  most: 100,
  settings: [],
  metric: "",
  labels: {},
  count: 0,
  last_at_ms: null,
  last_message: "",
  last_offender: "",
  offenders: {},
};

const texts = (known: Partial<Known>): string[] =>
  troubles({ ...NOTHING, ...known }, NOW).map((one) => one.text);

describe("troubles", () => {
  it("has none while nothing is known", () => {
    expect(troubles(NOTHING, NOW)).toEqual([]);
  });

  it("names targets that are down, but not those that need not run", () => {
    const target = (instance: string, labels = {}): Target =>
      ({ health: "down", labels: { instance, ...labels }, scrapeUrl: "" }) as unknown as Target;
    const found = troubles(
      { ...NOTHING, targets: [target("a:1"), target("b:1", { optional: "true" })] },
      NOW,
    );
    expect(found).toEqual([{ tone: "bad", text: "1 target is down", detail: "a:1", tab: "targets" }]);
  });

  it("names inputs that refused something within the hour", () => {
    const input = (age: number): Account => ({
      name: "otlp_http",
      title: "OTLP over HTTP",
      address: "",
      accepted: {},
      refused: { too_large: 2, malformed: 1 },
      last_refusals: [{ at_ms: NOW - age, reason: "too_large", message: "17 MB", offender: "10.0.0.1" }],
    });
    const status = (age: number): Status => ({ inputs: [input(age)], receivers: [] }) as unknown as Status;
    expect(texts({ status: status(60_000) })).toEqual(["OTLP over HTTP: 3 refused, the last 1 min ago"]);
    expect(texts({ status: status(4_000_000) })).toEqual([]);
  });

  it("names limits that are near, but not the retention, which is there to be reached", () => {
    expect(
      texts({ limits: [LIMIT, { ...LIMIT, used: 10 }, { ...LIMIT, name: "Retention by size" }] }),
    ).toEqual(["Series: 90 % of the limit"]);
  });

  it("names limits that bit within the hour, but not those of inputs, which tell it themselves", () => {
    const bit: Limit = {
      ...LIMIT,
      name: "Time that a query takes",
      group: "queries",
      used: null,
      count: 3,
      last_at_ms: NOW - 60_000,
      last_message: "took longer than 30 s",
      last_offender: "up",
    };
    expect(troubles({ ...NOTHING, limits: [bit] }, NOW)).toEqual([
      {
        tone: "warn",
        text: "Time that a query takes: 3 refused, the last 1 min ago",
        detail: "took longer than 30 s (up)",
        tab: "limits",
      },
    ]);
    expect(texts({ limits: [{ ...bit, group: "inputs" }] })).toEqual([]);
    expect(texts({ limits: [{ ...bit, last_at_ms: NOW - 4_000_000 }] })).toEqual([]);
  });

  it("does not take for well what it could not ask for", () => {
    const unanswered = [{ what: "The targets", error: "too many queries", tab: "targets" }];
    expect(troubles({ ...NOTHING, unanswered }, NOW)).toEqual([
      { tone: "bad", text: "The targets could not be asked for", detail: "too many queries", tab: "targets" },
    ]);
  });

  it("names a disk that is full, and one that will be before the retention helps", () => {
    expect(texts({ held: HELD })).toEqual([]);
    expect(texts({ held: { ...HELD, free_bytes: null } })).toEqual([]);
    expect(texts({ held: { ...HELD, free_bytes: 2 ** 20 } })).toEqual(["The disk is full, or nearly so"]);
    const small = { ...HELD, free_bytes: 5 * 2 ** 30 };
    expect(texts({ held: small })).toEqual(["The disk will be full before the retention removes anything"]);
    expect(texts({ held: { ...small, journal_bytes: 6 * 2 ** 30 } })).toEqual([]);
    expect(texts({ held: { ...small, retention_bytes: 0 } })).toEqual([]);
  });

  it("names what failed in the storage within the hour", () => {
    const failed = (age: number): Held => ({
      ...HELD,
      counters: { seal_failures: 2, unlink_failures: 7, last_failures_ms: { seal_failures: NOW - age } },
    });
    expect(texts({ held: failed(60_000) })).toEqual(["Sealing failed 2 times, the last 1 min ago"]);
    expect(texts({ held: failed(4_000_000) })).toEqual([]);
  });

  it("names groups that take longer than their interval", () => {
    const group = { name: "g", interval: 15, evaluationTime: 20, rules: [] } as unknown as RuleGroup;
    expect(texts({ groups: [group] })).toEqual(["The group g takes longer than its interval"]);
  });
});

describe("usedShare", () => {
  it("is not known without a limit", () => {
    expect(usedShare(LIMIT)).toBe(0.9);
    expect(usedShare({ ...LIMIT, most: null })).toBeNull();
    expect(usedShare({ ...LIMIT, most: 0 })).toBeNull();
  });
});
