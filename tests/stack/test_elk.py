"""The files of elk/, by a real engine: OpenSearch executes the ingest pipeline and answers the searches.

Elasticsearch's own modules for pipelines, its lifecycle and its users are in no package registry, and neither are
Kibana and Logstash. A stand-in before the engine takes what `setup` sends for those and records it; what Logstash
and the collector would send is sent as their documentation describes it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from ruamel.yaml import YAML
from tests.stack.conftest import built
from tests.stack.programs import LocalServer, opensearch

from accelerapp.codegen import CodegenSettings, create_app, ollama_standin
from accelerapp.monitoring import MetricsCollector, get_logger
from accelerapp.observability import setup_observability

SHIPPED = Path(__file__).parents[2] / "deployment" / "observability"
ELK = SHIPPED / "elk"
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(SHIPPED / "tests" / "pipeline.yml")
DAY = "accelerapp-logs-2026.11.24"
SNAPSHOT = "accelerapp-2026.11.24-of-the-test"
REPOSITORY = json.dumps({"type": "fs", "settings": {"location": "logs"}})

pytestmark = pytest.mark.stack


class Front(LocalServer):
    """Stands before the engine: answers for security, lifecycle and Kibana, hands the rest on, records all."""

    def __init__(self, engine: httpx.Client) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        front = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                front.requests.append((self.command, self.path, body))
                if self.path == "/_slm/policy/accelerapp/_execute":
                    # What the lifecycle does at its hour: a snapshot of the policy's own words, in the real engine.
                    policy = next(
                        json.loads(b) for m, p, b in front.requests if (m, p) == ("PUT", self.path[:23])
                    )
                    wanted = f"/_snapshot/{policy['repository']}/{SNAPSHOT}?wait_for_completion=true"
                    engine.put(wanted, json=policy["config"]).raise_for_status()
                    status, answer = 200, json.dumps({"snapshot_name": SNAPSHOT}).encode()
                elif self.path.startswith(("/_ilm", "/_security", "/_slm")):
                    status, answer = 200, b"{}"
                elif "/_settings" in self.path and b"index.lifecycle.name" in body:
                    # The engine has no such setting, but the others, which show which indices are meant.
                    settings = json.loads(body)
                    del settings["index.lifecycle.name"]
                    got = engine.put(self.path, json=settings)
                    status, answer = got.status_code, got.content
                elif self.path.startswith("/api/"):
                    status, answer = 200, b'{"success":true}'
                else:
                    if self.path.startswith("/_index_template"):
                        template = json.loads(body)
                        # The one setting that the engine does not have.
                        del template["template"]["settings"]["index"]["lifecycle"]
                        body = json.dumps(template).encode()
                    headers = {"Content-Type": "application/json"}
                    got = engine.request(self.command, self.path, content=body, headers=headers)
                    status, answer = got.status_code, got.content
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - the server calls these

            def log_message(self, *_: object) -> None: ...

        super().__init__(Handler)


@pytest.fixture(scope="module")
def engine(
    server_programs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    program = opensearch(server_programs("opensearch"), tmp_path_factory.mktemp("engine") / "opensearch")
    program.start()
    with httpx.Client(base_url=program.ready.removesuffix("/_cluster/health"), timeout=60) as client:
        yield client
    program.stop()


@pytest.fixture(scope="module")
def front(engine: httpx.Client) -> Iterator[Front]:
    with Front(engine) as standing:
        yield standing


def run_setup(front: Front, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {
        "PATH": os.environ["PATH"],
        "ELASTICSEARCH_URL": front.url,
        "KIBANA_URL": front.url,
        "SECRETS_DIR": str(SHIPPED / "secrets" / "laptop"),
        "SETUP_TIMEOUT": "5",
    }
    return subprocess.run(
        [ELK / "setup", *arguments],
        env=given | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def set_up_once(engine: httpx.Client) -> None:
    """Run `setup` on an engine of another test's."""
    with Front(engine) as front:
        done = run_setup(front)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def set_up(front: Front) -> Front:
    """Return the front of an engine on which `setup` has run, twice."""
    for _ in range(2):
        done = run_setup(front)
        assert done.returncode == 0, done.stderr
    return front


def at(document: dict[str, Any], path: str) -> Any:
    """Return the value at a dotted path, or None."""
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def test_setup_makes_everything_and_may_run_again(set_up: Front) -> None:
    half = len(set_up.requests) // 2
    asked = [(method, path) for method, path, _ in set_up.requests]
    assert asked[:half] == asked[half:]
    users = {
        path.rpartition("/")[2]
        for method, path in asked
        if path.startswith("/_security/user/") and method == "PUT"
    }
    assert users == {"logstash_writer", "otel_writer", "grafana_reader", "jaeger_writer"}
    assert ("POST", "/_security/user/kibana_system/_password") in asked
    assert ("PUT", "/_ilm/policy/accelerapp-logs") in asked
    (imported,) = {
        body for _, path, body in set_up.requests[:half] if path.startswith("/api/saved_objects/_import")
    }
    assert (ELK / "kibana-saved-objects.ndjson").read_bytes() in imported
    for _, path, body in set_up.requests:
        if path.startswith("/_security/role/"):
            granted = {name for index in json.loads(body)["indices"] for name in index["privileges"]}
            assert not granted & {"all", "delete", "delete_index", "manage", "write"}, path


def test_setup_makes_snapshots_only_where_there_is_a_place_for_them(
    set_up: Front, engine: httpx.Client
) -> None:
    assert not [path for _, path, _ in set_up.requests if path.startswith(("/_snapshot", "/_slm"))]
    before = len(set_up.requests)
    for _ in range(2):
        done = run_setup(set_up, SNAPSHOT_REPOSITORY=REPOSITORY)
        assert done.returncode == 0, done.stderr
    asked = [(method, path) for method, path, _ in set_up.requests[before:]]
    half = len(asked) // 2
    assert asked[:half] == asked[half:]
    assert asked[half - 2 : half] == [("PUT", "/_snapshot/accelerapp"), ("PUT", "/_slm/policy/accelerapp")]
    known = engine.get("/_snapshot/accelerapp").json()["accelerapp"]
    assert known["type"] == "fs"
    assert known["settings"] == {"location": "logs"}

    refused = run_setup(
        set_up, SNAPSHOT_REPOSITORY=REPOSITORY.replace("logs", "/somewhere/that/no/node/knows")
    )
    assert refused.returncode == 1
    assert "HTTP 500" in refused.stderr
    assert "path.repo" in refused.stderr


def test_jaeger_s_indices_come_under_their_lifecycle_and_no_other_does(
    set_up: Front, engine: httpx.Client
) -> None:
    """Where there is none of them as well, as when `setup` runs for the first time."""
    assert ("PUT", "/_ilm/policy/accelerapp-traces") in {
        (method, path) for method, path, _ in set_up.requests
    }
    phases = json.loads((ELK / "ilm-policy-traces.json").read_text())["policy"]["phases"]
    assert phases["delete"]["actions"] == {"delete": {}}
    traces = {"accelerapp-jaeger-span-2026-11-24", "accelerapp-jaeger-service-2026-11-24"}
    others = {"accelerapp-logs-2026.11.01", "jaeger-span-2026-11-24"}
    for name in traces | others:
        assert engine.put(f"/{name}").is_success
    before = len(set_up.requests)
    done = run_setup(set_up, "traces", SECRETS_DIR=str(SHIPPED / "secrets" / "laptop"))
    assert done.returncode == 0, done.stderr
    changed = [(method, json.loads(body)) for method, _, body in set_up.requests[before:] if method != "GET"]
    assert changed == [
        ("PUT", {"index.lifecycle.name": "accelerapp-traces", "index.auto_expand_replicas": "0-1"})
    ]
    settings = engine.get("/_all/_settings?flat_settings=true").json()
    reached = {
        name
        for name, index in settings.items()
        if index["settings"].get("index.auto_expand_replicas") == "0-1" and "jaeger" in name
    }
    assert reached == traces
    assert all(settings[name]["settings"]["index.number_of_replicas"] == "0" for name in traces)


def test_one_node_has_no_copy_to_make_and_is_green(set_up: Front, engine: httpx.Client) -> None:
    """What several nodes make of the same template is seen in chart/test_elasticsearch_nodes.py."""
    del set_up
    assert engine.post(f"/{DAY}/_doc?refresh=true", json=CASES[0]["in"]).status_code == 201
    settings = engine.get(f"/{DAY}/_settings?flat_settings=true").json()[DAY]["settings"]
    assert settings["index.auto_expand_replicas"] == "0-1"
    assert settings["index.number_of_replicas"] == "0"
    assert engine.get(f"/_cluster/health/{DAY}").json()["status"] == "green"


def test_compose_s_second_file_gives_the_node_the_folder_that_setup_is_told_of() -> None:
    command: list[str | Path] = [
        built("compose") / "compose-spec",
        *("-no-interpolation", "-format", "json", "docker-compose.yml", "docker-compose.snapshots.yml"),
    ]
    done = subprocess.run(command, cwd=SHIPPED, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    # Without interpolation the loader has environments as lists.
    node, environment = (
        dict(item.split("=", 1) for item in services[name]["environment"])
        for name in ("elasticsearch", "setup")
    )
    mounted = {volume["target"] for volume in services["elasticsearch"]["volumes"]}
    told = json.loads(environment["SNAPSHOT_REPOSITORY"])
    place = node["path.repo"]
    assert told == {"type": "fs", "settings": {"location": place}}
    # The rest is what the first file says.
    assert mounted == {place, "/usr/share/elasticsearch/data"}
    assert node["node.name"] == "elasticsearch"
    assert environment["ELASTICSEARCH_URL"] == "http://elasticsearch:9200"


def test_a_day_that_was_lost_comes_back_by_the_readme_s_commands(
    front: Front, engine: httpx.Client, tmp_path: Path
) -> None:
    """The commands as they stand there, with the container's shell here and its port at the stand-in."""
    assert run_setup(front, SNAPSHOT_REPOSITORY=REPOSITORY).returncode == 0
    kept = CASES[0]["in"] | {"correlation_id": "c-kept"}
    assert engine.post(f"/{DAY}/_doc?refresh=true", json=kept).status_code == 201
    text = (SHIPPED / "README.md").read_text(encoding="utf-8")
    (chapter,) = re.findall(r"^### Elasticsearch\n.*?(?=^## )", text, flags=re.MULTILINE | re.DOTALL)
    ask = re.search(r"^ask='[^']*'", chapter, flags=re.MULTILINE)
    es = re.search(r"^es\(\) { docker exec .*}$", chapter, flags=re.MULTILINE)
    commands = re.findall(r"^es [A-Z]+ .*?(?<!\\)$", chapter, flags=re.MULTILINE | re.DOTALL)
    assert ask is not None
    assert es is not None
    curl = tmp_path / "curl"
    curl.write_text(
        f'#!/bin/bash\nexec {shutil.which("curl")} -f "${{@/http:\\/\\/localhost:9200/{front.url}}}"\n'
    )
    curl.chmod(0o755)

    def run(command: str) -> str:
        shell = f'docker() {{ shift 2; "$@"; }}\n{ask[0]}\n{es[0]}\n{command.replace("SNAPSHOT", SNAPSHOT)}'
        done = subprocess.run(
            ["bash", "-c", shell],
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "ELASTIC_PASSWORD": "of the container"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def found() -> int:
        query = {"query": {"term": {"labels.correlation_id": "c-kept"}}}
        count = engine.post(f"/{DAY}/_count?ignore_unavailable=true", json=query).json()["count"]
        assert isinstance(count, int)
        return count

    execute, listing, _, delete, restore, *_ = commands
    assert SNAPSHOT in run(execute)
    assert SNAPSHOT in run(listing)
    assert DAY in delete
    run(delete)
    assert found() == 0
    run(restore)
    assert found() == 1


def test_setup_says_what_is_missing(front: Front, tmp_path: Path) -> None:
    done = run_setup(front, SECRETS_DIR=str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path}/elastic-password is missing" in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    done = run_setup(front, ELASTICSEARCH_URL=f"http://127.0.0.1:{port}", SETUP_TIMEOUT="1")
    assert done.returncode == 1
    assert "Elasticsearch did not answer" in done.stderr


def test_a_password_with_quotes_arrives_as_it_is(front: Front, tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "secrets" / "laptop", tmp_path / "secrets")
    password = 'a"b\\c $(x) `y`'
    (tmp_path / "secrets" / "otel-writer-password").write_text(password + "\n")
    before = len(front.requests)
    done = run_setup(front, SECRETS_DIR=str(tmp_path / "secrets"))
    assert done.returncode == 0, done.stderr
    (body,) = [body for _, path, body in front.requests[before:] if path == "/_security/user/otel_writer"]
    assert json.loads(body)["password"] == password


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_pipeline_makes_of_an_event(set_up: Front, engine: httpx.Client, case: dict[str, Any]) -> None:
    del set_up
    request = {"docs": [{"_index": DAY, "_source": case["in"]}]}
    (answer,) = engine.post("/_ingest/pipeline/accelerapp-logs/_simulate", json=request).json()["docs"]
    made = answer["doc"]
    assert made["_index"] == case.get("index", DAY)
    assert {path: at(made["_source"], path) for path in case["want"]} == case["want"]
    # And the index takes it.
    stored = engine.post(f"/{DAY}/_doc", json=case["in"])
    assert stored.status_code == 201, stored.text


def test_both_shapes_of_one_record_become_one_document(set_up: Front, engine: httpx.Client) -> None:
    del set_up
    request = {"docs": [{"_index": DAY, "_source": case["in"]} for case in CASES[:2]]}
    by_logstash, by_collector = (
        one["doc"]["_source"]
        for one in engine.post("/_ingest/pipeline/accelerapp-logs/_simulate", json=request).json()["docs"]
    )
    for path in (
        "service.name",
        "log.level",
        "log.logger",
        "message",
        "trace.id",
        "span.id",
        "labels.correlation_id",
    ):
        assert at(by_logstash, path) == at(by_collector, path) is not None, path


def test_what_the_application_ships_is_found_by_its_correlation_id(
    set_up: Front, engine: httpx.Client
) -> None:
    del set_up
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        port = str(listening.getsockname()[1])
        handle = setup_observability("shipped", environ={"LOGSTASH_HOST": "127.0.0.1", "LOGSTASH_PORT": port})
        try:
            get_logger("shop", correlation_id="c-shipped").error(
                "out of stock", extra={"extra_fields": {"item": 7}}
            )
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(10)
                handle.flush()
                lines = connection.makefile("rb")
                line = next(line for line in lines if b"out of stock" in line)
        finally:
            handle.shutdown()
    stored = engine.post(
        f"/{DAY}/_doc?refresh=true", content=line, headers={"Content-Type": "application/json"}
    )
    assert stored.status_code == 201, stored.text
    query = {"query": {"term": {"labels.correlation_id": "c-shipped"}}}
    (hit,) = engine.post("/accelerapp-logs-*/_search", json=query).json()["hits"]["hits"]
    assert hit["_source"]["message"] == "out of stock"
    assert hit["_source"]["log"]["level"] == "error"
    assert hit["_source"]["service"]["name"] == "shipped"
    assert hit["_source"]["labels"]["item"] == "7"


async def _generate_slowly_then_not_at_all() -> None:
    """Ask the real service for a slow generation and a failing one, by the fault switch."""
    settings = CodegenSettings(backend="ollama", fault_token=SecretStr("a-fault-token"))
    app = create_app(
        settings, metrics=MetricsCollector(), transport=httpx.ASGITransport(ollama_standin(seconds=(0, 0)))
    )
    spec = json.loads((SHIPPED.parents[1] / "examples" / "specs" / "greenhouse.json").read_text())
    authorized = {"Authorization": "Bearer a-fault-token"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client,
    ):
        for correlation_id, faults in (("c-slow", {"latency_seconds": 1.1}), ("c-failed", {"error_rate": 1})):
            await client.put("/v1/faults", json=faults, headers=authorized)
            await client.post("/v1/generate", json=spec, headers={"X-Correlation-ID": correlation_id})
        await client.get("/v1/faults", headers={"Authorization": "Bearer wrong"})


def test_each_saved_search_finds_what_the_application_ships(set_up: Front, engine: httpx.Client) -> None:
    del set_up
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        port = str(listening.getsockname()[1])
        handle = setup_observability(
            "searched", environ={"LOGSTASH_HOST": "127.0.0.1", "LOGSTASH_PORT": port}
        )
        try:
            asyncio.run(_generate_slowly_then_not_at_all())
            connection, _ = listening.accept()
            handle.flush()
        finally:
            handle.shutdown()
            root.setLevel(before)
    with connection:
        connection.settimeout(60)
        lines = list(connection.makefile("rb"))
    for line in lines:
        engine.post(
            f"/{DAY}/_doc", content=line, headers={"Content-Type": "application/json"}
        ).raise_for_status()
    engine.post("/accelerapp-logs-*/_refresh").raise_for_status()

    found: dict[str, list[dict[str, Any]]] = {}
    for saved in (
        json.loads(line) for line in (ELK / "kibana-saved-objects.ndjson").read_text().splitlines()
    ):
        if saved["type"] != "search":
            continue
        kuery = json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
        # What the saved searches use of Kibana's language, in that of the engine.
        lucene = (
            kuery.replace(" and ", " AND ").replace(" or ", " OR ").replace(" >= ", ":>=").replace(": ", ":")
        )
        query = {"query": {"query_string": {"query": f"({lucene}) AND service.name:searched"}}, "size": 100}
        answer = engine.post("/accelerapp-logs-*/_search", json=query)
        assert answer.status_code == 200, answer.text
        found[saved["id"]] = [hit["_source"] for hit in answer.json()["hits"]["hits"]]
        assert found[saved["id"]], f"{saved['id']} finds none of {lines}"
    assert len(found) == 5

    (slow,) = found["accelerapp-slow-requests"]
    assert at(slow, "labels.correlation_id") == "c-slow"
    assert at(slow, "event.duration") >= 1_000_000_000
    assert (at(slow, "http.request.method"), at(slow, "labels.http_route")) == ("POST", "/v1/generate")
    assert at(slow, "http.response.status_code") == 200
    (failed,) = found["accelerapp-failed-generations"]
    assert (at(failed, "labels.correlation_id"), at(failed, "labels.reason")) == ("c-failed", "http_status")
    assert sorted((at(e, "event.action"), at(e, "event.outcome")) for e in found["accelerapp-audit"]) == [
        ("configuration-loaded", "success"),
        ("fault-injection-changed", "success"),
        ("fault-injection-changed", "success"),
        ("fault-switch-access", "failure"),
    ]
    assert {at(e, "log.level") for e in found["accelerapp-errors"]} == {"error"}


def test_saved_objects_refer_to_what_is_there_and_to_fields_of_the_template() -> None:
    objects = [json.loads(line) for line in (ELK / "kibana-saved-objects.ndjson").read_text().splitlines()]
    known = {(one["type"], one["id"]) for one in objects}
    assert {(link["type"], link["id"]) for one in objects for link in one["references"]} <= known
    properties = json.loads((ELK / "index-template.json").read_text())["template"]["mappings"]["properties"]

    def mapped(path: str) -> bool:
        inside: Any = {"properties": properties}
        for name in path.split("."):
            inside = inside.get("properties", {}).get(name)
            if inside is None:
                return False
        return True

    columns = {column for one in objects for column in one["attributes"].get("columns", ())}
    assert columns
    assert {column for column in columns if not mapped(column)} == set()
