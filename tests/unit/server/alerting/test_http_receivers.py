"""Slack and PagerDuty against a real HTTP server: what answers are failures and tried again, and by what secret."""

from __future__ import annotations

import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.unit.server.alerting.notices import NOTICE, NOW

from accelerapp.server.alerting.receivers import Deliverer, DeliveryError, Readiness, Reason
from accelerapp.server.alerting.receivers.pagerduty import Pagerduty
from accelerapp.server.alerting.receivers.slack import Slack
from accelerapp.server.alerting.receivers.webhook import Webhook
from accelerapp.server.alerting.settings import (
    GlobalSettings,
    PagerdutySettings,
    SlackSettings,
    WebhookSettings,
)
from accelerapp.server.alerting.templates import Templates
from accelerapp.server.configfile.http import HttpSettings

TEMPLATES = Templates()


class Server:
    """Answers as it is told, and keeps what it is sent."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: tuple[int, str, bytes] = (200, "text/plain", b"ok")
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((self.path, dict(self.headers), json.loads(body)))
                status, kind, text = outer.answer
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}/services/x"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def slack(top: dict[str, Any] | None = None, **values: Any) -> Slack:
    return Slack(
        SlackSettings.model_validate({"channel": "#x", **values}),
        GlobalSettings.model_validate(top or {}),
        TEMPLATES,
        clock=lambda: NOW,
    )


def pagerduty(**values: Any) -> Pagerduty:
    return Pagerduty(PagerdutySettings.model_validate(values), GlobalSettings(), TEMPLATES, clock=lambda: NOW)


JSON = "application/json; charset=utf-8"
ANSWERS = [
    ((200, "text/plain", b"ok"), None),
    ((200, JSON, b'{"ok": true, "channel": "C", "ts": "1"}'), None),
    ((200, "text/html", b"no_service"), ("Slack answers: no_service", False, Reason.CLIENT)),
    (
        (200, JSON, b'{"ok": false, "error": "channel_not_found"}'),
        ("channel_not_found", False, Reason.CLIENT),
    ),
    ((200, JSON, b"{"), ("is no JSON", True, Reason.CLIENT)),
    ((400, "text/plain", b"invalid_payload"), ("status code 400: invalid_payload", False, Reason.CLIENT)),
    ((403, "text/plain", b"action_prohibited"), ("status code 403", False, Reason.AUTH)),
    ((404, "text/plain", b"channel_not_found"), ("status code 404", False, Reason.CLIENT)),
    ((429, "text/plain", b"rate_limited"), ("status code 429", True, Reason.RATE_LIMITED)),
    ((500, "text/plain", b"rollup_error"), ("status code 500", True, Reason.SERVER)),
    ((503, "text/plain", b""), ("unexpected status code 503$", True, Reason.SERVER)),
]


@pytest.mark.parametrize(("answer", "wrong"), ANSWERS, ids=[f"{a[0]} {a[2]!r}" for a, _ in ANSWERS])
async def test_what_slack_answers(
    server: Server, answer: tuple[int, str, bytes], wrong: tuple[str, bool, Reason] | None
) -> None:
    server.answer = answer
    deliverer = slack(api_url=server.url)
    if wrong is None:
        await deliverer.deliver(NOTICE, 5)
        return
    with pytest.raises(DeliveryError, match=f'channel "#x": .*{wrong[0]}') as caught:
        await deliverer.deliver(NOTICE, 5)
    assert (caught.value.retry, caught.value.reason) == wrong[1:]


@pytest.mark.parametrize(
    ("status", "body", "said", "retry"),
    [
        (202, b"", "", False),
        (400, b'{"message": "Event object is invalid", "errors": ["a", "b"]}', "invalid: a,b", False),
        (400, b"nonsense", "nonsense", False),
        (429, b"", "429", True),
        (502, b"", "502", True),
    ],
)
async def test_what_pagerduty_answers(
    server: Server, status: int, body: bytes, said: str, retry: bool
) -> None:
    server.answer = (status, "application/json", body)
    deliverer = pagerduty(routing_key="key", url=server.url)
    if status == 202:
        await deliverer.deliver(NOTICE, 5)
        return
    with pytest.raises(DeliveryError, match=said) as caught:
        await deliverer.deliver(NOTICE, 5)
    assert caught.value.retry is retry


async def test_pagerduty_knows_an_incident_by_the_groups_key(server: Server) -> None:
    deliverer = pagerduty(routing_key="key", url=server.url)
    await deliverer.deliver(NOTICE, 5)
    resolved = replace(NOTICE, alerts=NOTICE.alerts[1:])
    await deliverer.deliver(resolved, 5)
    bodies = [body for _, _, body in server.requests]
    assert [body["event_action"] for body in bodies] == ["trigger", "resolve"]
    assert {body["dedup_key"] for body in bodies} == {hashlib.sha256(NOTICE.group_key.encode()).hexdigest()}


@pytest.mark.parametrize("kind", ["slack", "pagerduty"])
async def test_a_secret_is_read_anew_from_its_file(server: Server, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret"
    deliverer: Deliverer = (
        slack(api_url_file=secret) if kind == "slack" else pagerduty(routing_key_file=secret, url=server.url)
    )
    assert deliverer.readiness() == (
        Readiness.NOT_CONFIGURED,
        f"the file {secret} is missing; put the secret there",
    )
    for number in (1, 2):
        secret.write_text(f"{server.url}/{number}\n" if kind == "slack" else f"key-{number}\n")
        assert deliverer.readiness() == (Readiness.READY, "")
        await deliverer.deliver(NOTICE, 5)
    if kind == "slack":
        assert [path for path, _, _ in server.requests] == ["/services/x/1", "/services/x/2"]
    else:
        assert [body["routing_key"] for _, _, body in server.requests] == ["key-1", "key-2"]


async def test_an_empty_routing_key_is_not_sent(server: Server, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(DeliveryError, match="routing key is empty") as caught:
        await pagerduty(routing_key_file=tmp_path / "key", url=server.url).deliver(NOTICE, 5)
    assert not caught.value.retry
    assert server.requests == []


@pytest.mark.parametrize(
    ("top", "own", "path", "authorization"),
    [
        ({"slack_api_url": "URL/top"}, {}, "/top", None),
        ({"slack_api_url": "URL/top"}, {"api_url": "URL/own"}, "/own", None),
        ({"slack_app_token": "t", "slack_app_url": "URL/app"}, {}, "/app", "Bearer t"),
        ({"slack_app_token": "t", "slack_app_url": "URL/app"}, {"api_url": "URL/own"}, "/own", None),
        ({"slack_api_url": "URL/top"}, {"app_token": "own", "app_url": "URL/app"}, "/app", "Bearer own"),
        (
            {"slack_api_url": "URL/top", "http_config": {"authorization": {"credentials": "g"}}},
            {},
            "/top",
            "Bearer g",
        ),
        (
            {"slack_api_url": "URL/top", "slack_app_token": "t"},
            {"http_config": {"authorization": {"credentials": "own"}}},
            "/top",
            "Bearer own",
        ),
    ],
)
async def test_slacks_own_settings_go_before_the_files(
    server: Server, top: dict[str, Any], own: dict[str, Any], path: str, authorization: str | None
) -> None:
    def placed(values: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(json.dumps(values).replace("URL", server.url))
        return made

    await slack(placed(top), **placed(own)).deliver(NOTICE, 5)
    ((where, headers, _),) = server.requests
    assert where == f"/services/x{path}"
    assert headers.get("Authorization") == authorization


async def test_a_template_that_fails_is_not_tried_again(server: Server) -> None:
    with pytest.raises(DeliveryError, match=r"template cannot be executed: template:1:4: .*Nope") as caught:
        await slack(api_url=server.url, text="{{ .Nope }}").deliver(NOTICE, 5)
    assert not caught.value.retry
    assert server.requests == []


def hook(url: str, timeout: str = "0s", **http: Any) -> Webhook:
    settings = WebhookSettings.model_validate({"url": url, "timeout": timeout})
    return Webhook(settings, HttpSettings.model_validate(http), TEMPLATES)


async def test_redirects_are_followed_unless_the_settings_say_no(server: Server) -> None:
    server.answer = (302, "text/plain", b"")
    with pytest.raises(DeliveryError, match="status code 302"):
        await hook(server.url, follow_redirects=False).deliver(NOTICE, 5)
    assert len(server.requests) == 1


async def test_a_receiver_that_does_not_answer_in_time_is_tried_again() -> None:
    # It is connected to, and says nothing.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        silent = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        try:
            with pytest.raises(DeliveryError, match="no answer in time") as caught:
                await hook(f"http://127.0.0.1:{silent.server_port}/", "50ms").deliver(NOTICE, 5)
        finally:
            silent.server_close()
    assert caught.value.retry
    assert caught.value.reason is Reason.DEADLINE


async def test_a_long_answer_is_read_in_part_alone(server: Server) -> None:
    server.answer = (400, "text/plain", b"x" * 10_000_000)
    with pytest.raises(DeliveryError) as caught:
        await hook(server.url).deliver(NOTICE, 5)
    assert len(str(caught.value)) < 300


async def test_the_authority_the_name_and_the_certificate_are_those_of_the_settings(
    certificate: tuple[Path, Path],
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = Server(context)
    try:
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            await hook(server.url).deliver(NOTICE, 5)
        assert caught.value.retry
        ca = str(certificate[0])
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            await hook(server.url, tls_config={"ca_file": ca}).deliver(NOTICE, 5)  # another name
        await hook(server.url, tls_config={"ca_file": ca, "server_name": "mail.example"}).deliver(NOTICE, 5)
        await hook(server.url, tls_config={"insecure_skip_verify": "true"}).deliver(NOTICE, 5)
    finally:
        server.close()
    assert len(server.requests) == 2
