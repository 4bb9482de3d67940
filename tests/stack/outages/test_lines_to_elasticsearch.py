"""Log lines by the collector's own Elasticsearch exporter, with the shipped file, into a real engine after `setup`.

The engine is OpenSearch's, which has Elasticsearch's ingest processors; it is killed while lines come. The exporter's
client takes nobody's answer that does not call itself Elasticsearch, so something stands before it that does.
"""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.stack.outages.parts import SHIPPED, application, generate, killed, running
from tests.stack.programs import LocalServer, Program, Redirected, opensearch, until
from tests.stack.test_elk import set_up_once

pytestmark = pytest.mark.stack


@contextlib.contextmanager
def as_elasticsearch(engine: str) -> Iterator[str]:
    """Hand everything on to the engine with the header of Elasticsearch's answers; yields the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = ("Content-Type", "Content-Encoding")
            headers = {name: value for name, value in self.headers.items() if name in kept}
            try:
                got = httpx.request(
                    self.command, engine + self.path, content=body, headers=headers, timeout=60
                )
            except httpx.TransportError:
                # As where nobody listens: the connection ends without an answer.
                self.close_connection = True
                return
            self.send_response(got.status_code)
            self.send_header("Content-Type", got.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(got.content)))
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.end_headers()
            self.wfile.write(got.content)

        do_GET = do_POST = do_PUT = do_HEAD = _hand_on  # noqa: N815 - the server calls these

        def log_message(self, *_: object) -> None: ...

    with LocalServer(Handler) as server:
        yield server.url


@dataclass(frozen=True)
class Shipping:
    """An application that sends its lines by OTLP, the collector, and the engine that they come to."""

    application: str
    engine: Program
    url: str
    #: Of the collector.
    metrics: str

    def found(self, query: str) -> list[dict[str, Any]]:
        """Return the documents of the log indices that a Lucene query finds, with their indices.

        They are found once the index has been refreshed, every few seconds: asking for it would hang in a recovery.
        """
        asked = {"size": 100, "query": {"query_string": {"query": query}}}
        answer = httpx.post(f"{self.url}/accelerapp-logs-*/_search", json=asked, timeout=30)
        if answer.status_code == 503:  # its shards are not read in yet
            return []
        answer.raise_for_status()
        return list(answer.json()["hits"]["hits"])


@pytest.fixture(scope="module")
def shipping(
    server_programs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shipping]:
    home = tmp_path_factory.mktemp("lines")
    engine = opensearch(server_programs("opensearch"), home / "opensearch")
    url = engine.ready.removesuffix("/_cluster/health")
    file = Redirected(SHIPPED / "otel" / "otel-collector-config.yaml")
    file.replace("/var/lib/otelcol", str(home / "queue"))
    file.replace("/run/secrets/", f"{SHIPPED / 'secrets' / 'laptop'}/")
    (home / "collector.yaml").write_text(file.text, encoding="utf-8")
    app, address = application(home, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{file.ports[4318]}")
    with running(engine), as_elasticsearch(url) as elasticsearch:
        with httpx.Client(base_url=url, timeout=60) as client:
            set_up_once(client)
        collector = Program(
            [server_programs("otelcol") / "otelcol", "--config", home / "collector.yaml"],
            home / "collector.log",
            f"http://127.0.0.1:{file.ports[13133]}/",
            {"ELASTICSEARCH_URL": elasticsearch},
        )
        with running(collector, app):
            yield Shipping(address, engine, url, f"http://127.0.0.1:{file.ports[8888]}/metrics")


def test_a_line_of_the_application_becomes_the_document_that_searches_find(shipping: Shipping) -> None:
    trace_id = generate(shipping.application)
    hits = until(
        lambda: shipping.found(f'trace.id:"{trace_id}" AND log.level:error'), "the failed generation"
    )
    (hit,) = [hit for hit in hits if hit["_source"]["log"]["logger"] == "accelerapp.codegen"]
    today = datetime.datetime.now(datetime.UTC).strftime("%Y.%m.%d")
    assert hit["_index"] == f"accelerapp-logs-{today}"
    document = hit["_source"]
    assert document["service"]["name"] == "codegen"
    assert document["message"].startswith("code generation failed: ")
    assert document["labels"]["platform"] == "micropython"
    assert document["labels"]["reason"] == "unreachable"
    assert len(document["span"]["id"]) == 16
    # Nothing is left of the collector's own names, and nothing came twice.
    assert not {"Body", "TraceId", "Attributes", "Resource"} & document.keys()
    requests = shipping.found(f'trace.id:"{trace_id}" AND log.logger:accelerapp.request')
    assert [hit["_source"]["labels"]["http_route"] for hit in requests] == ["/v1/generate"]


def test_lines_of_an_outage_come_once_it_is_over(shipping: Shipping) -> None:
    before = [generate(shipping.application) for _ in range(3)]
    until(lambda: all(shipping.found(f'trace.id:"{one}"') for one in before), "the lines of before")
    with killed(shipping.engine):
        during = [generate(shipping.application) for _ in range(3)]

    def lines(trace_id: str) -> int:
        return len(shipping.found(f'trace.id:"{trace_id}" AND log.logger:accelerapp.request'))

    until(
        lambda: all(lines(one) for one in [*before, *during]), "every line, of before and of the outage", 180
    )
    assert {lines(one) for one in before} == {1}
    # Nothing was given up on the way.
    told = httpx.get(shipping.metrics).text
    assert re.search(r"^otelcol_exporter_sent_log_records\{.*elasticsearch.*\} [1-9]", told, re.MULTILINE)
    assert not re.search(r"^otelcol_exporter_send_failed_log_records\{.*\} [1-9]", told, re.MULTILINE)
