/** The groups of the list of alerts, and which of its states each is counted under. */

import type { AlertState, Rule } from "../api/alerts";
import { isHeartbeat } from "./describe";

export type Place = "faulty" | "firing" | "pending" | "heartbeat" | "inactive";

/** Which of the groups a rule is in. */
export function placeOf(rule: Rule): Place {
  if (isHeartbeat(rule)) {
    return "heartbeat";
  }
  return rule.health === "err" && rule.state === "inactive" ? "faulty" : rule.state;
}

/** The state by which a group is filtered; null where none of them shows it. */
export function stateOf(place: Place): AlertState | null {
  return place === "heartbeat" ? null : place === "faulty" ? "inactive" : place;
}

/** How many rules a state shows: as many as its groups have together. */
export function countOf(rules: Rule[], state: AlertState): number {
  return rules.filter((rule) => stateOf(placeOf(rule)) === state).length;
}
