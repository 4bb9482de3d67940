"""Nothing in Prometheus; the application's numbers are missing."""

from __future__ import annotations

import time
from typing import Any

from accelerapp.cli.doctor.check import Finding, On, Symptom, check, failed, ok, skipped, warning
from accelerapp.cli.doctor.stack import JOBS, NoAnswerError, Part, Stack, samples_told

#: Rates and windows of rules are minutes: seconds do not matter, half a minute does.
_SKEW_WARNS, _SKEW_FAILS = 5.0, 30.0
_PROMETHEUS = (
    "is it running? docker compose ps prometheus, then its log; elsewhere name it by --prometheus-url"
)
_TARGETS = (
    "at Status → Targets: not listed is discovery (targets/), listed and red is the network or the path"
)


@check(Symptom.METRICS, "Prometheus is ready", mend=_PROMETHEUS)
def ready(stack: Stack) -> Finding:
    answer = stack.ask(Part.PROMETHEUS, "/-/ready")
    if answer.status != 200:
        stack.give_up(Part.PROMETHEUS, "prometheus is not ready")
        return failed(
            f"{stack.addresses[Part.PROMETHEUS]} answers /-/ready with HTTP {answer.status}",
            "a start replays the journal and may take minutes (docker compose logs prometheus); "
            "a proxy or an ingress before it may want a log-in",
        )
    stack.recognise()
    if stack.observatory is not None:
        return ok(f"an observatory, version {stack.observatory['version']}")
    if stack.observatory_wanted:
        stack.give_up(Part.PROMETHEUS, "what answers there is no observatory")
        return failed(
            f"{stack.addresses[Part.PROMETHEUS]} answers, and is no observatory",
            "name a Prometheus by --prometheus-url, and start an observatory by accelerapp up",
        )
    return ok(f"at {stack.addresses[Part.PROMETHEUS]}")


@check(Symptom.METRICS, "Clocks agree", mend=_PROMETHEUS)
def clocks(stack: Stack) -> Finding:
    before = time.time()
    there = float(stack.prometheus("query", {"query": "time()"})["result"][1])
    after = time.time()
    # Its clock was read at some time between the two.
    skew = there - after if there > after else min(there - before, 0.0)
    text = f"Prometheus is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} this machine"
    mend = (
        "set both clocks by NTP (timedatectl; chronyc tracking): spans, lines and alerts are ordered by them"
    )
    if abs(skew) >= _SKEW_FAILS:
        return failed(text, mend)
    return warning(text, mend) if abs(skew) >= _SKEW_WARNS else ok("to within five seconds")


@check(Symptom.METRICS, "Prometheus runs its present configuration", mend=_PROMETHEUS, on=On.STACK)
def configuration(stack: Stack) -> Finding:
    loaded = stack.number("min(prometheus_config_last_reload_successful)")
    if loaded is None:
        return skipped("Prometheus does not scrape itself")
    if loaded == 0:
        return failed(
            "the last reload was refused, and the configuration before it goes on",
            "promtool check config prometheus.yml; docker compose logs prometheus names the line",
        )
    return ok("the last reload was taken")


def _missing(stack: Stack) -> list[str]:
    there = {target["labels"].get("job") for target in _targets(stack)}
    return [
        job for part, jobs in JOBS.items() if part not in stack.without for job in jobs if job not in there
    ]


def _targets(stack: Stack) -> list[dict[str, Any]]:
    found = stack.prometheus("targets", {"state": "active"})["activeTargets"]
    left_out = {job for part in stack.without for job in JOBS[part]}
    return [target for target in found if target["labels"].get("job") not in left_out]


@check(Symptom.METRICS, "Every job has a target", mend=_PROMETHEUS, on=On.STACK)
def jobs(stack: Stack) -> Finding:
    missing = _missing(stack)
    needed = [job for job in missing if job != "ollama"]
    if needed:
        return failed(
            f"no target: {', '.join(needed)}",
            f"{_TARGETS}; what this stack does not have is left out by --without NAME",
        )
    if missing and stack.query('accelerapp_code_generation_total{backend!="templates"}'):
        return warning("the job ollama has no target: no alert tells that the model is away", _ollama_mend())
    return ok("the application, and every part")


def _ollama_mend() -> str:
    return (
        "ACCELERAPP_CODEGEN_BACKEND=ollama for Compose, a service with the annotation prometheus.io/probe "
        "in a cluster; or --without ollama"
    )


@check(Symptom.METRICS, "Every target is up", mend=_PROMETHEUS)
def targets(stack: Stack) -> Finding:
    found = _targets(stack)
    down = [target for target in found if target["health"] == "down"]
    needed = [target for target in down if target["labels"].get("optional") != "true"]
    if needed:
        more = f", and {len(needed) - 3} more" if len(needed) > 3 else ""
        return failed("; ".join(map(_down, needed[:3])) + more, _TARGETS)
    if down:
        return warning(
            f"{_down(down[0])}; its target says that it is optional", "start it where it is to run here"
        )
    waiting = [target for target in found if target["health"] == "unknown"]
    if waiting:
        names = ", ".join(sorted({str(target["labels"].get("job")) for target in waiting}))
        return warning(f"not scraped yet: {names}", "ask again after the scrape interval (15 s)")
    if not found:
        return failed("there is no target at all", f"{_TARGETS}; promtool check config prometheus.yml")
    return ok(f"{len(found)} of {len(found)}")


def _down(target: dict[str, Any]) -> str:
    labels = target["labels"]
    return f"{labels.get('job')} at {labels.get('instance')}: {target['lastError'] or 'down'}"


@check(Symptom.METRICS, "What has no metrics of its own answers its probe", mend=_PROMETHEUS, on=On.STACK)
def probes(stack: Stack) -> Finding:
    left_out = {job for part in stack.without for job in JOBS[part]}
    found = [each for each in stack.query("probe_success") if each.labels.get("job") not in left_out]
    silent = [each for each in found if each.value == 0]
    needed = [each for each in silent if each.labels.get("job") != "ollama"]
    if needed:
        return failed(
            "does not answer: " + samples_told(needed, "job", "instance", number=False),
            "its log (docker compose logs NAME); blackbox-exporter's /probe with debug=true says what it saw; "
            "a wrong password is a failed probe too",
        )
    if silent:
        return warning(
            f"Ollama does not answer at {silent[0].labels.get('instance')}: generations with a model fail",
            f"ollama serve, listening where containers reach it (OLLAMA_HOST); otherwise {_ollama_mend()}",
        )
    return ok(f"{len(found)} of {len(found)}") if found else skipped("nothing is probed")


_APPLICATION = (
    "docker compose ps accelerapp, then its log; accelerapp codegen serve starts it without a container"
)


@check(Symptom.APPLICATION, "The application answers", mend=_APPLICATION)
def application(stack: Stack) -> Finding:
    if stack.has(Part.APPLICATION):
        answer = stack.ask(Part.APPLICATION, "/metrics")
        if answer.status != 200 or b"accelerapp_uptime_seconds" not in answer.body:
            return failed(
                f"HTTP {answer.status} at {stack.addresses[Part.APPLICATION]}/metrics, without accelerapp_*",
                "is that the application? Its page /docs says so; setup_observability() serves /metrics",
            )
        return ok(f"and measures, at {stack.addresses[Part.APPLICATION]}")
    found = stack.query('up{job="accelerapp"}')
    if any(each.value for each in found):
        return ok("no address is given; Prometheus scrapes it")
    if stack.observatory is not None:
        return skipped("no address is given, and the observatory does not scrape it now")
    return failed("no address is given, and Prometheus does not scrape it", _APPLICATION)


@check(Symptom.APPLICATION, "Its metrics are stored", mend=_PROMETHEUS)
def measured(stack: Stack) -> Finding:
    stack.has(Part.APPLICATION)
    count = stack.number("count(accelerapp_uptime_seconds)")
    if count:
        return ok(f"of {count:.0f} process{'' if count == 1 else 'es'}")
    text = "no series accelerapp_uptime_seconds is stored"
    mend = "the target's path is /metrics; what pushes needs OTEL_EXPORTER_OTLP_ENDPOINT"
    if stack.observatory is not None:
        return warning(text, "start an application that it scrapes, or one that sends; " + mend)
    return failed(text, mend)


@check(Symptom.APPLICATION, "It drops nothing that it should send", mend=_PROMETHEUS)
def dropped(stack: Stack) -> Finding:
    stack.has(Part.APPLICATION)
    by = "sum by (service, signal, reason)"
    mend = "its OTEL_EXPORTER_OTLP_ENDPOINT and LOGSTASH_HOST, and what listens there; empty turns each of the two off"
    lately = stack.query(f"{by} (increase(accelerapp_telemetry_dropped_total[15m])) > 0")
    if lately:
        return failed(
            f"given up within 15 minutes: {samples_told(lately, 'service', 'signal', 'reason')}", mend
        )
    ever = stack.query(f"{by} (accelerapp_telemetry_dropped_total) > 0")
    if ever:
        return warning(f"given up since its start: {samples_told(ever, 'service', 'signal', 'reason')}", mend)
    return ok("nothing was given up")


def through_prometheus(stack: Stack, part: Part, log: str | None = None) -> Finding:
    """Return what Prometheus says of a part that has no address here."""
    if stack.observatory is not None:
        return skipped(f"an observatory stands in the place of {part}")
    names = JOBS[part]
    found = [
        each
        for name in ("up", "probe_success")
        for each in stack.query(f'{name}{{job=~"{"|".join(names)}"}}')
    ]
    if not found:
        return skipped(f"no address of {part} is given, and Prometheus has no target of the job {names[0]}")
    silent = [each for each in found if each.value == 0]
    if silent:
        return failed(
            "no address is given; Prometheus does not reach "
            + samples_told(silent, "instance", number=False),
            log or f"docker compose ps {part}, then its log",
        )
    return ok("no address is given; Prometheus reaches it")


def or_through_prometheus(stack: Stack, part: Part) -> Finding | None:
    """Return Prometheus' word where a part has no address, and nothing where it is to be asked itself."""
    if stack.has(part):
        return None
    try:
        return through_prometheus(stack, part)
    except NoAnswerError:
        return skipped(f"no address of {part} is given, and prometheus does not answer")
