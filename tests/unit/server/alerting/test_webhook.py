"""The webhook: its JSON, and which answers are tried again, against a real HTTP server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from accelerapp.server.alerting import fingerprint
from accelerapp.server.alerting.message import message
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.alerting.receivers import DeliveryError, Readiness
from accelerapp.server.alerting.receivers.webhook import Webhook, webhook_body
from accelerapp.server.alerting.settings import WebhookSettings
from accelerapp.server.alerting.templates import Templates
from accelerapp.server.configfile.http import HttpSettings
from accelerapp.server.signals import Alert, make_labels

FIRING = Alert(
    make_labels({"alertname": "HighErrorRate", "service": "codegen", "route": "/a"}),
    make_labels({"summary": "errors", "detail": "1"}),
    starts_at=1_700_000_000.25,
    ends_at=1_700_009_999.0,
    generator_url="http://localhost:9090/graph",
)
RESOLVED = Alert(
    make_labels({"alertname": "HighErrorRate", "service": "codegen", "route": "/b"}),
    make_labels({"summary": "errors", "detail": "2"}),
    starts_at=1_700_000_000.0,
    ends_at=1_700_000_060.5,
)
NOTICE = Notice(
    receiver="team.web (eu)",
    group_key='{}:{alertname="HighErrorRate"}',
    group_labels=make_labels({"alertname": "HighErrorRate"}),
    alerts=(FIRING, RESOLVED),
    now=1_700_000_100.0,
    external_url="http://localhost:9090",
    reason="first notification",
)


class Receiver:
    """An HTTP server that keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[tuple[dict[str, str], Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((dict(self.headers), json.loads(body)))
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(b"as told")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def webhook(**values: Any) -> Webhook:
    settings = WebhookSettings.model_validate(values)
    return Webhook(settings, settings.http_config or HttpSettings(), Templates())


def test_body_is_alertmanagers_version_4() -> None:
    assert webhook_body(NOTICE, message(NOTICE)) == {
        "version": "4",
        "groupKey": '{}:{alertname="HighErrorRate"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": r"team\.web \(eu\)",
        "notification_reason": "first notification",
        "routeLabels": {},
        "groupLabels": {"alertname": "HighErrorRate"},
        "commonLabels": {"alertname": "HighErrorRate", "service": "codegen"},
        "commonAnnotations": {"summary": "errors"},
        "externalURL": "http://localhost:9090",
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "HighErrorRate", "service": "codegen", "route": "/a"},
                "annotations": {"summary": "errors", "detail": "1"},
                "startsAt": "2023-11-14T22:13:20.25Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://localhost:9090/graph",
                "fingerprint": fingerprint(FIRING.labels),
            },
            {
                "status": "resolved",
                "labels": {"alertname": "HighErrorRate", "service": "codegen", "route": "/b"},
                "annotations": {"summary": "errors", "detail": "2"},
                "startsAt": "2023-11-14T22:13:20Z",
                "endsAt": "2023-11-14T22:14:20.5Z",
                "generatorURL": "",
                "fingerprint": fingerprint(RESOLVED.labels),
            },
        ],
    }


def test_alerts_beyond_the_limit_are_counted() -> None:
    body = webhook_body(NOTICE, message(NOTICE, NOTICE.alerts[:1]))
    assert len(body["alerts"]) == 1
    assert body["truncatedAlerts"] == 1


def test_fingerprint_is_fnv_1a_over_names_and_values() -> None:
    assert fingerprint(()) == "cbf29ce484222325"  # the offset basis
    # A value that prometheus/common gives for these labels.
    labels = make_labels({"name": "garland, briggs", "fear": "love is not enough"})
    assert int(fingerprint(labels), 16) == 5799056148416392346


async def test_it_is_posted_as_json(receiver: Receiver) -> None:
    await webhook(url=receiver.url).deliver(NOTICE, 5)
    ((headers, body),) = receiver.requests
    assert headers["Content-Type"] == "application/json"
    assert body == webhook_body(NOTICE, message(NOTICE))


@pytest.mark.parametrize(
    ("status", "retry"), [(500, True), (503, True), (429, True), (400, False), (404, False)]
)
async def test_which_answers_are_tried_again(receiver: Receiver, status: int, retry: bool) -> None:
    receiver.status = status
    with pytest.raises(DeliveryError, match=f"unexpected status code {status}: as told") as caught:
        await webhook(url=receiver.url).deliver(NOTICE, 5)
    assert caught.value.retry is retry


async def test_a_refused_connection_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(DeliveryError, match="ConnectError") as caught:
        await webhook(url=url).deliver(NOTICE, 5)
    assert caught.value.retry


async def test_url_and_token_come_from_files(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(receiver.url + "\n")
    hook = webhook(
        url_file=tmp_path / "url",
        http_config={"authorization": {"credentials_file": tmp_path / "token"}},
    )
    assert hook.readiness() == (
        Readiness.NOT_CONFIGURED,
        f"the file {tmp_path / 'token'} is missing; put the secret there",
    )
    (tmp_path / "token").write_text("s3cret\n")
    assert hook.readiness() == (Readiness.READY, "")
    await hook.deliver(NOTICE, 5)
    assert receiver.requests[0][0]["Authorization"] == "Bearer s3cret"


async def test_basic_authentication(receiver: Receiver) -> None:
    hook = webhook(url=receiver.url, http_config={"basic_auth": {"username": "u", "password": "p"}})
    await hook.deliver(NOTICE, 5)
    assert receiver.requests[0][0]["Authorization"] == "Basic dTpw"
