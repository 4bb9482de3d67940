"""Dashboards are empty: Grafana, its data sources and its dashboards."""

from __future__ import annotations

from accelerapp.cli.doctor.check import Finding, On, Symptom, check, failed, ok, skipped, warning
from accelerapp.cli.doctor.checks.metrics import or_through_prometheus
from accelerapp.cli.doctor.stack import Answer, NoAnswerError, NotCheckedError, Part, Stack

_GRAFANA = "docker compose ps grafana, then its log; elsewhere name it by --grafana-url"
_PROVISIONED = (
    "docker compose logs grafana says which file was not taken; grafana/ is mounted into its provisioning"
)
#: Uids by the part that a data source leads to.
_SOURCES = {
    "prometheus": Part.PROMETHEUS,
    "alertmanager": Part.ALERTMANAGER,
    "jaeger": Part.JAEGER,
    "elasticsearch": Part.ELASTICSEARCH,
}
_BOARDS = ("accelerapp-system-overview", "codegen-llm", "services-red", "resource-use", "slos", "stack")


@check(Symptom.DASHBOARDS, "Grafana is healthy", mend=_GRAFANA, on=On.STACK)
def grafana(stack: Stack) -> Finding:
    if (told := or_through_prometheus(stack, Part.GRAFANA)) is not None:
        return told
    answer = stack.ask(Part.GRAFANA, "/api/health")
    if answer.status not in {200, 503}:
        return failed(f"/api/health answers with HTTP {answer.status}", _GRAFANA)
    database = answer.json().get("database")
    if database != "ok":
        return failed(f"its database is {database}", "the volume grafana-data: is it full, or read-only?")
    return ok(f"at {stack.addresses[Part.GRAFANA]}")


def _asked(stack: Stack, path: str) -> Answer:
    if stack.has(Part.GRAFANA) and Part.GRAFANA not in stack.credentials:
        raise NotCheckedError("no password of Grafana is given (--grafana-password-file)")
    answer = stack.ask(Part.GRAFANA, path)
    if answer.status in {401, 403}:
        user = stack.credentials[Part.GRAFANA].user
        stack.give_up(Part.GRAFANA, f"grafana refuses the user {user}")
        raise NoAnswerError(
            f"grafana refuses the user {user}",
            "the password is that of Grafana's first start: a changed file does not change it in the volume",
        )
    return answer


@check(Symptom.DASHBOARDS, "Its data sources answer", mend=_GRAFANA, on=On.STACK)
def sources(stack: Stack) -> Finding:
    missing, silent = [], []
    for uid, part in _SOURCES.items():
        if part in stack.without:
            continue
        if _asked(stack, f"/api/datasources/uid/{uid}").status == 404:
            missing.append(uid)
            continue
        health = _asked(stack, f"/api/datasources/uid/{uid}/health")
        # A data source without a check of its own has no such page.
        if health.status in {404, 501}:
            continue
        told = health.json()
        if told.get("status") != "OK":
            silent.append(f"{uid}: {told.get('message') or f'HTTP {health.status}'}")
    if missing:
        return failed(f"missing: {', '.join(missing)}", _PROVISIONED)
    if silent:
        return failed(
            "; ".join(silent), "that part first, as above; then its address and password in datasource.yml"
        )
    return ok("each by its own check, where it has one")


@check(Symptom.DASHBOARDS, "Its dashboards are there", mend=_GRAFANA, on=On.STACK)
def boards(stack: Stack) -> Finding:
    missing = [uid for uid in _BOARDS if _asked(stack, f"/api/dashboards/uid/{uid}").status == 404]
    if missing:
        return failed(f"missing: {', '.join(missing)}", _PROVISIONED)
    return ok(f"{len(_BOARDS)} of {len(_BOARDS)}")


@check(Symptom.DASHBOARDS, "The page has dashboards", mend=_GRAFANA, on=On.OBSERVATORY)
def page(stack: Stack) -> Finding:
    found = stack.get(Part.PROMETHEUS, "/api/accelerapp/v1/dashboards")
    if not found:
        return failed(
            "it has none",
            "ACCELERAPP_DASHBOARDS_DIR names a folder with *.json; its start says what it refused",
        )
    return ok(", ".join(each["title"] for each in found[:4]))


@check(Symptom.DASHBOARDS, "Recorded series are there", mend=_GRAFANA)
def recorded(stack: Stack) -> Finding:
    """Panels read what rules record, which is there once there were requests."""
    if not stack.query("count(accelerapp_requests_total)"):
        return skipped("no request was counted yet")
    if stack.query("count({__name__=~'service_route:.+'})"):
        return ok("by service and route")
    return warning(
        "requests are counted, and nothing is recorded by service and route",
        "rule_files of prometheus.yml must name recording-rules.yml; after the first requests wait two minutes",
    )
