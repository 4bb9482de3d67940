import { describe, expect, it } from "vitest";

import type { MatrixSeries } from "../api/metrics";
import { deployments, events, isOwn, restarts } from "./changes";

const build = (version: string, times: number[], more: Record<string, string> = {}): MatrixSeries => ({
  metric: { __name__: "app_build_info", service: "shop", version, ...more },
  values: times.map((time) => [time, "1"]),
});

describe("deployments", () => {
  it("are the versions that appeared, with that which was there before", () => {
    const found = deployments([build("1.0", [50, 60]), build("1.1", [70, 80])], 60_000, 90_000, {
      service: "shop",
    });
    expect(found.map(({ at, text, own }) => [at, text, own])).toEqual([
      [70_000, "shop went from version 1.0 to 1.1", true],
    ]);
  });

  it("are not the further instances of a version", () => {
    const found = deployments(
      [build("1.0", [50], { instance: "a" }), build("1.0", [70], { instance: "b" })],
      60_000,
      90_000,
      {},
    );
    expect(found).toEqual([]);
  });

  it("tell a service that was not there before", () => {
    const [found] = deployments([build("1.0", [70], { revision: "0123456789abcdef" })], 60_000, 90_000, {});
    expect(found?.text).toBe("shop was first seen, in version 1.0 (0123456789ab)");
  });
});

describe("restarts", () => {
  it("are the starts within the range, by their own time", () => {
    const found = restarts(
      [
        {
          metric: { job: "a", instance: "i" },
          values: [
            [50, "10"],
            [80, "70"],
          ],
        },
        { metric: { job: "b", instance: "i" }, values: [[75, "72"]] },
        { metric: { job: "c", instance: "i" }, values: [[75, "5"]] },
      ],
      60_000,
      90_000,
      { job: "b" },
    );
    expect(found.map(({ at, text, own }) => [at, text, own])).toEqual([
      [70_000, "a restarted", false],
      [72_000, "b started", true],
    ]);
  });
});

describe("events", () => {
  it("are what happened to other alerts and to silences", () => {
    const transition = { at_ms: 70, labels: { alertname: "B", service: "shop" }, value: 1 };
    const found = events(
      {
        transitions: [
          { ...transition, rule: "B", state: "firing" },
          { ...transition, rule: "A", state: "firing" },
          { ...transition, rule: "D", labels: { alertname: "D", n: "1" }, state: "firing" },
          { ...transition, rule: "D", labels: { alertname: "D", n: "2" }, state: "firing" },
          { ...transition, rule: "B", state: "inactive", at_ms: 100 },
          { ...transition, rule: "C", labels: { alertname: "C" }, state: "pending" },
          { ...transition, rule: "C", labels: { alertname: "C" }, state: "inactive", at_ms: 75 },
        ],
        notifications: [],
        silence_changes: [
          {
            at_ms: 80,
            silence: "s",
            action: "expired",
            created_by: "ann",
            client: "",
            matchers: ['a="b"'],
            comment: "",
          },
        ],
        truncated: false,
      },
      60,
      90,
      "A",
      { service: "shop" },
    );
    expect(found.map(({ text, detail, own }) => [text, detail, own])).toEqual([
      ["B fired", "service=shop", true],
      ["D fired", "2 instances", false],
      ["A silence of ann was expired", 'a="b"', false],
    ]);
  });
});

describe("isOwn", () => {
  it.each([
    [{ service: "a", instance: "1" }, { service: "a", instance: "2" }, true],
    [{ job: "a", instance: "1" }, { job: "a", instance: "2" }, false],
    [{ job: "a" }, { job: "a", instance: "2" }, true],
    [{ service: "b" }, { service: "a" }, false],
    [{ severity: "high" }, { severity: "high" }, false],
    [{}, {}, false],
  ])("of %j and %j is %j", (labels, alert, own) => {
    expect(isOwn(labels, alert)).toBe(own);
  });
});
