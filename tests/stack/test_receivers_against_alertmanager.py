"""The corpus of receivers and the shipped ones: what arrives by a real Alertmanager and by ours is the same."""

from __future__ import annotations

import asyncio
import datetime
import email
import email.policy
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from ruamel.yaml import YAML
from tests.stack.programs import LocalServer, free_port

from accelerapp.server.alerting import Alertmanager, load_alertmanager
from accelerapp.server.signals import Alert, make_labels
from accelerapp.server.storage.state import State

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deployment" / "observability" / "prometheus"


def shipped() -> Iterator[dict[str, Any]]:
    """Yield the receivers of the shipped file as cases: their addresses and secrets are the recording servers'."""
    config: dict[str, Any] = YAML(typ="safe", pure=True).load(SHIPPED / "alertmanager.yml")
    for receiver in config["receivers"]:
        made: dict[str, Any] = {}
        for kind, integrations in receiver.items():
            if kind != "name":
                own: dict[str, Any] = {
                    "slack_configs": {"api_url_file": "@SECRETS@/url"},
                    "pagerduty_configs": {"routing_key_file": "@SECRETS@/password", "url": "@URL@"},
                    "email_configs": {"to": "@TO@"},
                    "webhook_configs": {"url_file": "@SECRETS@/url"},
                }[kind]
                made[kind] = [{**integration, **own} for integration in integrations]
        yield {"name": f"the shipped receiver {receiver['name']}", "receiver": made}


CASES: list[dict[str, Any]] = [
    *YAML(typ="safe", pure=True).load(ROOT / "tests" / "corpus" / "receivers" / "cases.yml"),
    *shipped(),
]
SIDES = ("theirs", "ours")
EXTERNAL_URL = "http://alertmanager.example:9093"
SECONDS = 30.0


class Arrived:
    """What came to the recording servers, by side and case."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[str, int], list[Any]] = {}

    def add(self, side: str, case: int, what: Any) -> None:
        with self._lock:
            self._found.setdefault((side, case), []).append(what)

    def of(self, side: str, case: int) -> list[str]:
        """Return what came, as texts in an order of their own: integrations are told at the same time."""
        with self._lock:
            found = list(self._found.get((side, case), []))
        return sorted(json.dumps(what, sort_keys=True, ensure_ascii=False) for what in found)


class Mailbox:
    def __init__(self, arrived: Arrived) -> None:
        self._arrived = arrived

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        side, case = re.search(r"case-(\w+)-(\d+)@", " ".join(envelope.rcpt_tos)).groups()  # type: ignore[union-attr]
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        # What differs from one mail to the next is there, and no more is asked of it.
        assert message["Date"]
        assert message["Message-Id"]
        headers = {
            name.title(): str(value).replace(side, "SIDE")
            for name, value in message.items()
            if name.lower() not in ("date", "message-id", "content-type")
        }
        parts = [
            (part.get_content_type(), part["Content-Transfer-Encoding"], _lines(part.get_content()))
            for part in message.iter_parts()
        ]
        assert message.get_content_type() == "multipart/alternative"
        recipients = [to.replace(side, "SIDE") for to in envelope.rcpt_tos]
        helo = "ESMTP" if session.extended_smtp else session.host_name
        self._arrived.add(
            side,
            int(case),
            [
                helo,
                session.host_name,
                getattr(session, "who", None),
                envelope.mail_from,
                recipients,
                headers,
                parts,
            ],
        )
        return "250 OK"


def _lines(text: str) -> str:
    return "\n".join(text.splitlines())


@pytest.fixture
def arrived() -> Arrived:
    return Arrived()


@pytest.fixture
def web(arrived: Arrived) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            _, side, case, *rest = self.path.split("/")
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            headers = {name: self.headers[name] for name in ("Content-Type", "Authorization")}
            text = json.dumps(body).replace(f"/{side}/", "/SIDE/")
            arrived.add(side, int(case), [rest, headers, json.loads(text)])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            pass

    with LocalServer(Handler) as server:
        yield server.url


@pytest.fixture
def smtp(arrived: Arrived) -> Iterator[str]:
    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        session.who = f"{mechanism} {data.login.decode()} {data.password.decode()}"
        return AuthResult(success=True)

    port = free_port()
    server = Controller(
        Mailbox(arrived),
        hostname="127.0.0.1",
        port=port,
        authenticator=authenticate,
        auth_require_tls=False,
        # It asks for the name in other words than Alertmanager understands.
        auth_exclude_mechanism=["LOGIN"],
    )
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop()


def written(folder: Path, side: str, web: str, smtp: str) -> Path:
    """Write the configuration of one side: a route and a receiver for each case."""
    home = folder / side
    home.mkdir()
    receivers: list[dict[str, Any]] = [{"name": "none"}]
    for number, case in enumerate(CASES):
        secrets = home / str(number)
        secrets.mkdir()
        url = f"{web}/{side}/{number}"
        (secrets / "url").write_text(url + "\n", encoding="utf-8")
        (secrets / "password").write_text("s3cret\n", encoding="utf-8")
        text = json.dumps(case["receiver"])
        for name, value in (
            ("@SECRETS@", str(secrets)),
            ("@URL@", url),
            ("@TO@", f"case-{side}-{number}@example.com"),
        ):
            text = text.replace(name, value)
        receivers.append({"name": f"case-{number}", **json.loads(text)})
    config = {
        "global": {
            "smtp_smarthost": smtp,
            "smtp_from": "alerts@example.com",
            "smtp_hello": "observatory.example",
            "smtp_auth_username": "someone",
            "smtp_auth_password": "mail-secret",
            "smtp_require_tls": False,
        },
        "templates": [str(SHIPPED / "templates" / "*.tmpl")],
        "route": {
            "receiver": "none",
            "group_by": ["alertname", "service"],
            "group_wait": "300ms",
            "group_interval": "3s",
            "repeat_interval": "4h",
            "routes": [
                {"receiver": f"case-{number}", "matchers": [f'case="{number}"']}
                for number in range(len(CASES))
            ],
        },
        "receivers": receivers,
    }
    path = home / "alertmanager.yml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


@pytest.fixture
def theirs(tmp_path: Path, web: str, smtp: str, running_alertmanager: Any) -> Iterator[httpx.Client]:
    with running_alertmanager(written(tmp_path, "theirs", web, smtp), EXTERNAL_URL) as client:
        yield client


@pytest.fixture
async def ours(tmp_path: Path, web: str, smtp: str) -> AsyncIterator[Alertmanager]:
    state = State(tmp_path / "state.sqlite")
    config = load_alertmanager(written(tmp_path, "ours", web, smtp))
    alertmanager = Alertmanager(config, state, time.time, EXTERNAL_URL)
    await alertmanager.start()
    yield alertmanager
    await alertmanager.stop()
    state.close()


def alerts(began: float, ends_at: float) -> list[Alert]:
    made = []
    for number in range(len(CASES)):
        for instance in ("b:1", "c:1"):
            labels = {
                "alertname": "HighErrorRate",
                "service": 'code <gen> & "co"',
                "severity": "critical",
                "cluster": "eu-1",
                "instance": instance,
                "case": str(number),
            }
            annotations = {
                "description": f"12.5% of <{instance}> & more",
                "runbook_url": "https://runbooks.example/playbooks/high-error-rate.md",
                "summary": f"5% of 'calls' fail at {instance} é",
                "runbook": "https://runbooks.example/a b.md",
            }
            url = "http://prometheus.example/graph?g0.expr=a+%3E+1"
            made.append(Alert(make_labels(labels), make_labels(annotations), began, ends_at, url))
    return made


async def push(theirs: httpx.Client, ours: Alertmanager, sent: list[Alert]) -> None:
    def moment(seconds: float) -> str:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()

    body = [
        {
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "startsAt": moment(alert.starts_at),
            "endsAt": moment(alert.ends_at),
            "generatorURL": alert.generator_url,
        }
        for alert in sent
    ]
    answer = await asyncio.to_thread(theirs.post, "/api/v2/alerts", json=body)
    assert answer.status_code == 200, answer.text
    ours.receive(sent)


async def all_came(arrived: Arrived, counts: list[int]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        seen = [[len(arrived.of(side, number)) for number in range(len(CASES))] for side in SIDES]
        if all(have == counts for have in seen):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"wanted {counts} on both sides, got {dict(zip(SIDES, seen, strict=True))}")


def told(case: dict[str, Any], *, resolved: bool) -> int:
    """Return how many requests or mails a case's integrations make of a group that fires, or has resolved."""
    by_default = {"webhook_configs": True, "pagerduty_configs": True}
    return sum(
        not resolved or integration.get("send_resolved", by_default.get(kind, False))
        for kind, integrations in case["receiver"].items()
        for integration in integrations
    )


async def test_the_receivers_get_the_same(arrived: Arrived, theirs: httpx.Client, ours: Alertmanager) -> None:
    began = time.time()
    firing = [told(case, resolved=False) for case in CASES]
    await push(theirs, ours, alerts(began, began + 3600))
    await all_came(arrived, firing)
    both = [first + told(case, resolved=True) for first, case in zip(firing, CASES, strict=True)]
    await push(theirs, ours, alerts(began, time.time()))
    await all_came(arrived, both)
    for number, case in enumerate(CASES):
        for mine, its in zip(arrived.of("ours", number), arrived.of("theirs", number), strict=True):
            assert json.loads(mine) == json.loads(its), case["name"]
