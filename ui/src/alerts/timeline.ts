/** When alerts were pending and firing, as bars over time. Times are Unix milliseconds. */

import type { AlertState, Rule, Transition } from "../api/alerts";
import { labelsKey } from "./describe";
import { groupBy } from "./group";

export interface Bar {
  from: number;
  to: number;
  state: "pending" | "firing";
}

export interface Track {
  name: string;
  bars: Bar[];
  /** How many times it fired. */
  fired: number;
  /** How long it fired, of the whole range. */
  firingMs: number;
  lastAt: number;
}

interface Spell {
  from: number;
  to: number;
  state: AlertState;
}

/**
 * Lays each alert's states on a range: pending while an instance is and none fires, firing while one does.
 *
 * `transitions` are in ascending order of time. What is active now is known from the rules even where it began before
 * the range; of what had ended, an end without a beginning began before the range as well.
 */
export function tracks(rules: Rule[], transitions: Transition[], from: number, to: number): Track[] {
  const byName = groupBy(transitions, (one) => one.rule);
  const active = groupBy(rules, (rule) => rule.name);
  return [...new Set([...byName.keys(), ...rules.filter((r) => r.alerts.length > 0).map((r) => r.name)])]
    .map((name) => track(name, active.get(name) ?? [], byName.get(name) ?? [], from, to))
    .filter((one) => one.bars.length > 0)
    .sort((a, b) => b.lastAt - a.lastAt || (a.name < b.name ? -1 : 1));
}

function track(name: string, rules: Rule[], transitions: Transition[], from: number, to: number): Track {
  const spells: Spell[] = [];
  const now = new Map(
    rules.flatMap((rule) => rule.alerts.map((alert) => [labelsKey(alert.labels), alert] as const)),
  );
  const histories = groupBy(transitions, (one) => labelsKey(one.labels));
  for (const key of new Set([...histories.keys(), ...now.keys()])) {
    const history = histories.get(key) ?? [];
    const alert = now.get(key);
    const first = history[0];
    if (first === undefined && alert !== undefined) {
      // Nothing changed within what is known: it was as it is now, since it became so.
      if (alert.fired_ms !== null && alert.active_ms < alert.fired_ms) {
        spells.push({ from: alert.active_ms, to: alert.fired_ms, state: "pending" });
      }
      spells.push({ from: alert.fired_ms ?? alert.active_ms, to, state: alert.state });
    }
    if (first !== undefined && first.state === "inactive") {
      spells.push({ from, to: first.at_ms, state: "firing" });
    }
    if (first !== undefined && first.state === "firing") {
      spells.push({
        from: Math.min(alert?.active_ms ?? first.at_ms, first.at_ms),
        to: first.at_ms,
        state: "pending",
      });
    }
    history.forEach((one, i) => {
      const end = history[i + 1]?.at_ms ?? (alert === undefined ? one.at_ms : to);
      spells.push({ from: one.at_ms, to: end, state: one.state });
    });
  }
  const firing = union(spells, "firing", from, to);
  const pending = union(spells, "pending", from, to).flatMap((bar) => without(bar, firing));
  const bars = [...pending, ...firing].sort((a, b) => a.from - b.from);
  return {
    name,
    bars,
    fired: firing.length,
    firingMs: firing.reduce((sum, bar) => sum + bar.to - bar.from, 0),
    lastAt: Math.max(...bars.map((bar) => bar.to), 0),
  };
}

/** The times at which one spell of a state holds at least, without overlaps. */
function union(spells: Spell[], state: "pending" | "firing", from: number, to: number): Bar[] {
  const bars: Bar[] = [];
  for (const spell of spells
    .filter((one) => one.state === state && one.to > from && one.from < to && one.to > one.from)
    .sort((a, b) => a.from - b.from)) {
    const [begin, end] = [Math.max(spell.from, from), Math.min(spell.to, to)];
    const last = bars.at(-1);
    if (last !== undefined && begin <= last.to) {
      last.to = Math.max(last.to, end);
    } else {
      bars.push({ from: begin, to: end, state });
    }
  }
  return bars;
}

/** What of a bar is in none of the others, which are in order and apart from one another. */
function without(bar: Bar, others: Bar[]): Bar[] {
  const left: Bar[] = [];
  let from = bar.from;
  for (const other of others) {
    if (other.to <= from || other.from >= bar.to) {
      continue;
    }
    if (other.from > from) {
      left.push({ ...bar, from, to: other.from });
    }
    from = other.to;
  }
  if (from < bar.to) {
    left.push({ ...bar, from });
  }
  return left;
}
