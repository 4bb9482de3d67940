/** Rules with their evaluation time, from Prometheus' API and the observatory's own metrics. */

import type { GroupRule, RuleGroup } from "../api/status";

export interface RuleRow {
  group: RuleGroup;
  rule: GroupRule;
  /** What part of its group's last evaluation it took, between 0 and 1. */
  share: number;
}

/** Counters of one group since the start, as `prometheus_rule_*` tell them. */
export interface GroupCounts {
  iterations: number;
  missed: number;
  failures: number;
}

/** Returns every rule, and how much of its group's time it took. */
export function ruleRows(groups: RuleGroup[]): RuleRow[] {
  return groups.flatMap((group) => {
    const total = group.rules.reduce((sum, rule) => sum + rule.evaluationTime, 0);
    return group.rules.map((rule) => ({ group, rule, share: total > 0 ? rule.evaluationTime / total : 0 }));
  });
}

/** Returns the name under which a group's metrics have it. */
export function groupKey(group: RuleGroup): string {
  return `${group.file};${group.name}`;
}

/** The name of a file without its folders. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Returns the time in Unix milliseconds that Prometheus wrote, null for its year 1: not yet. */
export function evaluatedAt(text: string): number | null {
  const ms = Date.parse(text);
  return text.startsWith("0001") || Number.isNaN(ms) ? null : ms;
}
