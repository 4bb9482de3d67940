import { describe, expect, it } from "vitest";

import type { AlertState, Transition } from "../api/alerts";
import { anAlert, aRule } from "./made";
import { tracks } from "./timeline";

const at = (at_ms: number, state: AlertState, instance = "1"): Transition => ({
  rule: "A",
  at_ms,
  state,
  value: 1,
  labels: { alertname: "A", instance },
});

function bars(transitions: Transition[], rules = [aRule()]): [number, number, string][] {
  return (tracks(rules, transitions, 1000, 2000)[0]?.bars ?? []).map((bar) => [bar.from, bar.to, bar.state]);
}

describe("tracks", () => {
  it("lays pending and firing one after the other", () => {
    expect(bars([at(1100, "pending"), at(1200, "firing"), at(1500, "inactive")])).toEqual([
      [1100, 1200, "pending"],
      [1200, 1500, "firing"],
    ]);
  });

  it("begins at the range's start where the beginning is not known", () => {
    expect(bars([at(1300, "inactive")])).toEqual([[1000, 1300, "firing"]]);
  });

  it("goes on to its end while the alert is active", () => {
    const rule = aRule({
      state: "firing",
      alerts: [anAlert({ labels: { alertname: "A", instance: "1" }, active_ms: 1100, fired_ms: 1200 })],
    });
    expect(bars([at(1100, "pending"), at(1200, "firing")], [rule])).toEqual([
      [1100, 1200, "pending"],
      [1200, 2000, "firing"],
    ]);
    // One that began before the range has no transition in it.
    const old = aRule({ state: "firing", alerts: [anAlert({ active_ms: 10, fired_ms: 20 })] });
    expect(bars([], [old])).toEqual([[1000, 2000, "firing"]]);
  });

  it("fires while one of the instances does, and is pending where none does", () => {
    expect(
      bars([
        at(1100, "firing", "1"),
        at(1200, "pending", "2"),
        at(1300, "inactive", "1"),
        at(1400, "firing", "2"),
        at(1600, "inactive", "2"),
      ]),
    ).toEqual([
      [1100, 1300, "firing"],
      [1300, 1400, "pending"],
      [1400, 1600, "firing"],
    ]);
  });

  it("counts how often and how long", () => {
    const [track] = tracks(
      [aRule()],
      [at(1100, "firing"), at(1200, "inactive"), at(1300, "firing"), at(1350, "inactive")],
      1000,
      2000,
    );
    expect(track).toMatchObject({ fired: 2, firingMs: 150, lastAt: 1350 });
  });

  it("is empty of what was always quiet", () => {
    expect(tracks([aRule()], [], 1000, 2000)).toEqual([]);
  });
});
