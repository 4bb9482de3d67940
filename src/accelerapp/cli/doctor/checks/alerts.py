"""An alert does not fire; no alerts arrive; an alert of the stack itself fires."""

from __future__ import annotations

from typing import Any

from accelerapp.cli.doctor.check import Finding, On, Symptom, check, failed, ok, skipped, warning
from accelerapp.cli.doctor.checks.metrics import or_through_prometheus
from accelerapp.cli.doctor.stack import Part, Stack, samples_told

_PROMETHEUS = "docker compose logs prometheus"
_ALERTMANAGER = "docker compose ps alertmanager, then its log; elsewhere name it by --alertmanager-url"
_WATCHDOG = "Watchdog"


def _rules(stack: Stack) -> list[tuple[str, dict[str, Any]]]:
    groups = stack.prometheus("rules")["groups"]
    return [(group["name"], rule) for group in groups for rule in group["rules"]]


@check(Symptom.RULES, "Rules are loaded and can be evaluated", mend=_PROMETHEUS)
def rules(stack: Stack) -> Finding:
    found = _rules(stack)
    if not found:
        return failed(
            "no rule is loaded", "rule_files of prometheus.yml; promtool check rules prometheus/*-rules.yml"
        )
    broken = [(group, rule) for group, rule in found if rule["health"] == "err"]
    if broken:
        group, rule = broken[0]
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        return failed(
            f"{rule['name']} in {group}: {rule.get('lastError') or 'it cannot be evaluated'}{more}",
            "run its expression as a query, mend it, then promtool test rules tests/*.test.yml and reload",
        )
    waiting = [rule["name"] for _, rule in found if rule["health"] == "unknown"]
    if waiting:
        return warning(
            f"{len(waiting)} of {len(found)} are not evaluated yet, such as {waiting[0]}",
            "ask again after the longest interval of a group",
        )
    return ok(f"{len(found)} of {len(found)}")


@check(Symptom.RULES, "Rules are evaluated in time", mend=_PROMETHEUS, on=On.STACK)
def in_time(stack: Stack) -> Finding:
    missed = stack.query(
        "sum by (rule_group) (increase(prometheus_rule_group_iterations_missed_total[15m])) > 0"
    )
    failing = stack.query(
        "sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[15m])) > 0"
    )
    if failing:
        return failed(
            f"evaluations failed within 15 minutes: {samples_told(failing, 'rule_group')}",
            "Status → Rule health names the error of each",
        )
    if missed:
        return warning(
            f"left out within 15 minutes: {samples_told(missed, 'rule_group')}",
            "more processor for prometheus, or a longer interval of that group",
        )
    return ok("none was left out within 15 minutes")


@check(Symptom.RULES, "Watchdog fires", mend=_PROMETHEUS)
def watchdog(stack: Stack) -> Finding:
    states = {alert["state"] for alert in stack.prometheus("alerts")["alerts"] if _name(alert) == _WATCHDOG}
    if "firing" in states:
        return ok("as it always should")
    if _WATCHDOG not in {rule["name"] for _, rule in _rules(stack)}:
        return failed("its rule is not loaded", "rule_files of prometheus.yml must name meta-rules.yml")
    return failed(
        "its rule is loaded and does not fire", "rules are not evaluated: the log of Prometheus says why"
    )


def _name(alert: dict[str, Any]) -> str:
    return str(alert["labels"].get("alertname", ""))


@check(Symptom.NOTIFICATIONS, "Prometheus knows an Alertmanager", mend=_PROMETHEUS, on=On.STACK)
def known(stack: Stack) -> Finding:
    stack.has(Part.ALERTMANAGER)
    found = stack.prometheus("alertmanagers")["activeAlertmanagers"]
    if not found:
        return failed("it knows none", "alerting.alertmanagers of prometheus.yml; then reload Prometheus")
    return ok(", ".join(each["url"] for each in found))


@check(Symptom.NOTIFICATIONS, "Prometheus reaches it", mend=_PROMETHEUS, on=On.STACK)
def reached(stack: Stack) -> Finding:
    stack.has(Part.ALERTMANAGER)
    wrong = [
        *stack.query("sum by (alertmanager) (increase(prometheus_notifications_errors_total[5m])) > 0"),
        *stack.query("sum by (alertmanager) (increase(prometheus_notifications_dropped_total[5m])) > 0"),
    ]
    if wrong:
        return failed(
            f"alerts not delivered within 5 minutes: {samples_told(wrong, 'alertmanager')}",
            "docker compose ps alertmanager; the address and the network between the two",
        )
    return ok("no alert was lost on the way within 5 minutes")


@check(Symptom.NOTIFICATIONS, "Alertmanager is ready", mend=_ALERTMANAGER, on=On.STACK)
def alertmanager(stack: Stack) -> Finding:
    if (told := or_through_prometheus(stack, Part.ALERTMANAGER)) is not None:
        return told
    answer = stack.ask(Part.ALERTMANAGER, "/-/ready")
    if answer.status != 200:
        stack.give_up(Part.ALERTMANAGER, "alertmanager is not ready")
        return failed(
            f"{stack.addresses[Part.ALERTMANAGER]} answers /-/ready with HTTP {answer.status}", _ALERTMANAGER
        )
    return ok(f"at {stack.addresses[Part.ALERTMANAGER]}")


@check(Symptom.NOTIFICATIONS, "Alertmanager runs its present configuration", mend=_PROMETHEUS, on=On.STACK)
def alertmanager_configuration(stack: Stack) -> Finding:
    stack.has(Part.ALERTMANAGER)
    loaded = stack.number("min(alertmanager_config_last_reload_successful)")
    if loaded is None:
        return skipped("Prometheus does not scrape Alertmanager")
    if loaded == 0:
        return failed(
            "the last reload was refused, and the configuration before it goes on",
            "amtool check-config alertmanager.yml; docker compose logs alertmanager names the line",
        )
    return ok("the last reload was taken")


@check(Symptom.NOTIFICATIONS, "Watchdog arrives at Alertmanager", mend=_ALERTMANAGER, on=On.STACK)
def arrives(stack: Stack) -> Finding:
    there = stack.get(Part.ALERTMANAGER, "/api/v2/alerts", {"filter": f'alertname="{_WATCHDOG}"'})
    if not there:
        return failed(
            "Alertmanager has no alert of that name",
            "after its start it has none for a minute; else alerting.alertmanagers of prometheus.yml leads elsewhere",
        )
    receivers = sorted({receiver["name"] for alert in there for receiver in alert["receivers"]})
    if "heartbeat" not in receivers:
        return warning(
            f"it goes to {', '.join(receivers)}, and to no heartbeat: nobody hears that alerting itself has ended",
            "a route of alertmanager.yml with alertname=Watchdog to the receiver heartbeat",
        )
    return ok(f"and goes to {', '.join(receivers)}")


@check(Symptom.NOTIFICATIONS, "Notifications are delivered", mend=_PROMETHEUS, on=On.STACK)
def delivered(stack: Stack) -> Finding:
    stack.has(Part.ALERTMANAGER)
    lost = stack.query(
        "sum by (integration, reason) (increase(alertmanager_notifications_failed_total[15m])) > 0"
    )
    if lost:
        return failed(
            f"failed within 15 minutes: {samples_told(lost, 'integration', 'reason')}",
            "docker compose logs alertmanager says what was answered; that receiver's secret and address",
        )
    if stack.number("count(alertmanager_notifications_failed_total)") is None:
        return skipped("Prometheus does not scrape Alertmanager")
    return ok("none failed within 15 minutes")


@check(Symptom.NOTIFICATIONS, "Nothing that fires is silenced", mend=_ALERTMANAGER, on=On.STACK)
def silenced(stack: Stack) -> Finding:
    silent = stack.get(
        Part.ALERTMANAGER, "/api/v2/alerts", {"active": "false", "silenced": "true", "inhibited": "false"}
    )
    if silent:
        names = ", ".join(sorted({_name(alert) for alert in silent})[:4])
        return warning(f"silenced now: {names}", "amtool silence query; amtool silence expire ID ends one")
    return ok("no silence mutes an alert")


@check(Symptom.NOTIFICATIONS, "Receivers can deliver", mend=_PROMETHEUS, on=On.OBSERVATORY)
def receivers(stack: Stack) -> Finding:
    status = stack.get(Part.PROMETHEUS, "/api/accelerapp/v1/status")
    found = [
        (receiver["name"], each) for receiver in status["receivers"] for each in receiver["integrations"]
    ]
    failing = [(name, each) for name, each in found if each["last_error"]]
    if failing:
        name, each = failing[0]
        return failed(
            f"{name} by {each['type']}: {each['last_error']}", "the address and the secret of that receiver"
        )
    missing = sorted(
        {f"{name} by {each['type']}" for name, each in found if each["status"] == "not configured"}
    )
    if missing:
        return warning(
            f"not configured: {', '.join(missing[:3])}"
            + (f", and {len(missing) - 3} more" if missing[3:] else ""),
            "put each secret into the file that alertmanager.yml names, or name another by --alertmanager-file",
        )
    return ok(f"{len(found)} of {len(found)}")


@check(Symptom.FIRING, "No part reports a problem", mend=_PROMETHEUS)
def problems(stack: Stack) -> Finding:
    left_out = {str(part) for part in stack.without}
    found = [
        each
        for each in stack.query("service:telemetry_problem:current > 0")
        if each.labels.get("service") not in left_out and each.labels.get("job") != "ollama"
    ]
    if found:
        return failed(
            samples_told(found, "service", "problem", "job", number=False),
            "playbooks/telemetry-pipeline-down.md has each problem",
        )
    return ok("service:telemetry_problem:current is empty")


@check(Symptom.FIRING, "Nothing else fires", mend=_PROMETHEUS)
def firing(stack: Stack) -> Finding:
    names = sorted(
        {
            f"{_name(alert)} ({alert['labels'].get('service', 'no service')})"
            for alert in stack.prometheus("alerts")["alerts"]
            if alert["state"] == "firing" and _name(alert) != _WATCHDOG
        }
    )
    if names:
        return warning(", ".join(names[:6]), "each has a page in playbooks/, which its runbook_url names")
    return ok("Watchdog alone")
