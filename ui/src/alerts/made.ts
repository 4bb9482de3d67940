/** Rules and alerts for tests: whole ones, of which a test says what it is about. */

import type { AlertInstance, Rule } from "../api/alerts";

export function aRule(more: Partial<Rule> = {}): Rule {
  return {
    name: "A",
    group: "g",
    file: "rules.yml",
    interval_seconds: 60,
    state: "inactive",
    health: "ok",
    last_error: null,
    last_evaluation_ms: null,
    evaluation_seconds: 0,
    expr: "a > 1",
    query: "a > 1",
    graph_query: "a",
    threshold: 1,
    threshold_query: null,
    comparison: ">",
    histogram: null,
    for_seconds: 0,
    effective_for_seconds: 0,
    keep_firing_for_seconds: 0,
    labels: {},
    annotations: { summary: "{{ $value }} failed" },
    title: "… failed",
    playbook: null,
    routes: [],
    alerts: [],
    ...more,
  };
}

export function anAlert(more: Partial<AlertInstance> = {}): AlertInstance {
  return {
    labels: { alertname: "A" },
    annotations: {},
    state: "firing",
    active_ms: 0,
    fired_ms: 0,
    keep_firing_ms: null,
    value: 1,
    fingerprint: "f",
    silenced_by: [],
    inhibited_by: [],
    routes: [],
    ...more,
  };
}
