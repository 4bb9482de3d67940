"""No logs: Logstash, Elasticsearch with what `setup` makes in it, Kibana."""

from __future__ import annotations

import datetime

from accelerapp.cli.doctor.check import Finding, On, Symptom, check, failed, ok, skipped, warning
from accelerapp.cli.doctor.checks.metrics import or_through_prometheus
from accelerapp.cli.doctor.stack import NoAnswerError, NotCheckedError, Part, Stack

_LOGSTASH = "docker compose ps logstash, then its log; --logstash-url is its own API (9600)"
_ELASTICSEARCH = "docker compose ps elasticsearch, then its log; --elasticsearch-url names it elsewhere"
_KIBANA = "docker compose ps kibana, then its log; it starts only after setup has set its password"
_SETUP = "docker compose up setup, which may run any number of times; it says which request was refused"
_QUIET = datetime.timedelta(hours=1)
_FULL = 0.8
#: What `setup` makes, by the paths under which it is asked for.
_MADE = {
    "the lifecycle accelerapp-logs": "/_ilm/policy/accelerapp-logs",
    "the ingest pipeline accelerapp-logs": "/_ingest/pipeline/accelerapp-logs",
    "the index template accelerapp-logs": "/_index_template/accelerapp-logs",
}


@check(Symptom.LOGS, "Logstash runs", mend=_LOGSTASH, on=On.STACK)
def logstash(stack: Stack) -> Finding:
    if (told := or_through_prometheus(stack, Part.LOGSTASH)) is not None:
        return told
    status = stack.get(Part.LOGSTASH, "/").get("status", "unknown")
    text = f"its status is {status}"
    return ok(text) if status == "green" else warning(text, "docker compose logs logstash")


@check(Symptom.LOGS, "Elasticsearch takes what Logstash sends", mend=_LOGSTASH, on=On.STACK)
def logstash_output(stack: Stack) -> Finding:
    pipelines = stack.get(Part.LOGSTASH, "/_node/stats/pipelines")["pipelines"]
    for name, pipeline in pipelines.items():
        queue = pipeline.get("queue", {})
        most = queue.get("max_queue_size_in_bytes", 0)
        if most and queue["queue_size_in_bytes"] / most > _FULL:
            return failed(
                f"the queue of {name} is {queue['queue_size_in_bytes'] / most:.0%} full",
                "Elasticsearch is slow, away or read-only: see below; what waits is on disk, and is sent afterwards",
            )
        for output in pipeline.get("plugins", {}).get("outputs", ()):
            lost = output.get("documents", {}).get("non_retryable_failures", 0)
            if lost:
                return failed(
                    f"{lost} documents of {name} were refused for good since its start",
                    "docker compose logs logstash has the reason, most often a field of another type than before",
                )
    return ok(f"{len(pipelines)} pipeline{'' if len(pipelines) == 1 else 's'}, and no document refused")


@check(Symptom.LOGS, "Elasticsearch is healthy", mend=_ELASTICSEARCH, on=On.STACK)
def elasticsearch(stack: Stack) -> Finding:
    if (told := or_through_prometheus(stack, Part.ELASTICSEARCH)) is not None:
        return told
    answer = stack.ask(Part.ELASTICSEARCH, "/_cluster/health")
    if answer.status == 401:
        stack.give_up(Part.ELASTICSEARCH, "elasticsearch refuses the log-in")
        known = stack.credentials.get(Part.ELASTICSEARCH)
        return failed(
            f"it refuses the user {known.user}" if known else "it wants a user, and none is given",
            "--elasticsearch-password-file secrets/laptop/elastic-password; a changed file does not change the "
            "password in the volume",
        )
    status = stack.get(Part.ELASTICSEARCH, "/_cluster/health")
    text = f"{status['status']}, {status['number_of_nodes']} nodes"
    if status["status"] == "red":
        return failed(
            f"{text}, {status['unassigned_shards']} shards are not there",
            "GET _cluster/allocation/explain says why: most often a full disk or a lost volume",
        )
    if status["status"] == "yellow":
        return warning(
            f"{text}, {status['unassigned_shards']} replicas have no place",
            "auto_expand_replicas 0-1, as elk/index-template.json has it, or one more node",
        )
    return ok(text)


@check(Symptom.LOGS, "What setup makes is there", mend=_SETUP, on=On.STACK)
def made(stack: Stack) -> Finding:
    missing, unseen = [], []
    for name, path in _MADE.items():
        status = stack.ask(Part.ELASTICSEARCH, path).status
        if status == 404:
            missing.append(name)
        elif status == 403:
            unseen.append(name)
        elif status != 200:
            raise NoAnswerError(f"elasticsearch answers {path} with HTTP {status}")
    if missing:
        return failed(f"missing: {', '.join(missing)}", _SETUP)
    if unseen:
        raise NotCheckedError(
            f"this user may not see {', '.join(unseen)}: name elastic and its password's file"
        )
    return ok("lifecycle, pipeline and template")


@check(Symptom.LOGS, "Lines arrive", mend=_ELASTICSEARCH, on=On.STACK)
def lines(stack: Stack) -> Finding:
    found = stack.get(
        Part.ELASTICSEARCH,
        "/accelerapp-logs-*/_search",
        {
            "size": "1",
            "sort": "@timestamp:desc",
            "_source": "@timestamp",
            "ignore_unavailable": "true",
            "allow_no_indices": "true",
            "q": "_exists_:@timestamp",
        },
    )["hits"]["hits"]
    mend = "docker compose logs setup logstash; then the application's LOGSTASH_HOST, and what it gave up (above)"
    if not found:
        return warning("no index has a line", mend)
    at = datetime.datetime.fromisoformat(found[0]["_source"]["@timestamp"])
    at = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
    age = datetime.datetime.now(datetime.UTC) - at
    if age > _QUIET:
        return warning(f"the last one is of {at:%Y-%m-%d %H:%M} UTC", mend)
    return ok(f"the last one is of {at:%H:%M:%S} UTC")


@check(Symptom.LOGS, "Lines are taken apart", mend=_ELASTICSEARCH, on=On.STACK)
def parsed(stack: Stack) -> Finding:
    count = stack.get(
        Part.ELASTICSEARCH,
        "/accelerapp-logs-unparsed-*/_count",
        {"q": "@timestamp:[now-1d TO now]", "ignore_unavailable": "true", "allow_no_indices": "true"},
    )["count"]
    if count:
        return warning(
            f"{count} lines of the last day fit no pattern",
            "read them in accelerapp-logs-unparsed-*; a pattern for elk/ingest-pipeline.json, then setup",
        )
    return ok("all of the last day")


@check(Symptom.LOGS, "Kibana is available", mend=_KIBANA, on=On.STACK)
def kibana(stack: Stack) -> Finding:
    if (told := or_through_prometheus(stack, Part.KIBANA)) is not None:
        return told
    answer = stack.ask(Part.KIBANA, "/api/status")
    if answer.status == 401:
        return skipped("it tells its status only after a log-in")
    # Degraded and unavailable are told with 503 too, and with the same body.
    level = answer.json()["status"]["overall"]["level"]
    if level == "available":
        return ok(f"at {stack.addresses[Part.KIBANA]}")
    finding = warning if level == "degraded" else failed
    return finding(f"its level is {level}", _KIBANA)


@check(Symptom.LOGS, "The observatory stores lines", mend=_LOGSTASH, on=On.OBSERVATORY)
def stored(stack: Stack) -> Finding:
    storage = stack.get(Part.PROMETHEUS, "/api/accelerapp/v1/status")["storage"]
    if storage["damaged_logs"]:
        return failed(
            f"{storage['damaged_logs']} lines could not be read and were left out",
            "update who sends them: they are no log records of OTLP",
        )
    if not storage["logs_accepted"]:
        return warning(
            "none came since its start",
            "OTEL_EXPORTER_OTLP_ENDPOINT of the application, and OTEL_LOGS_EXPORTER other than none",
        )
    return ok(f"{storage['logs_accepted']} since its start")
