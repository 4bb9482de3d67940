"""The shipped alertmanager.yml on the real Alertmanager of each release and on ours: who is told what, who is muted.

One generated copy is used, in which only times, addresses and the places of the secrets differ.
"""

from __future__ import annotations

import datetime
import email
import email.policy
import html
import json
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from ruamel.yaml import YAML
from tests.stack.programs import free_port, until

from accelerapp.server.alerting.matchers import Matchers, parse_matchers

pytestmark = pytest.mark.stack

OBSERVABILITY = Path(__file__).parents[2] / "deployment" / "observability"
PROMETHEUS = OBSERVABILITY / "prometheus"
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(OBSERVABILITY / "tests" / "routes.yml")
EXTERNAL_URL = "http://alertmanager.example:9093"
PLACE = {"cluster": "eu-1", "environment": "staging"}
BEGAN = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(minutes=10)

Start = Callable[[Path, str], AbstractContextManager[httpx.Client]]


def shipped() -> dict[str, Any]:
    config: dict[str, Any] = YAML(typ="safe", pure=True).load(PROMETHEUS / "alertmanager.yml")
    return config


def written(folder: Path, config: dict[str, Any]) -> Path:
    shutil.copytree(PROMETHEUS / "templates", folder / "templates")
    path = folder / "alertmanager.yml"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path


def push(client: httpx.Client, alerts: list[dict[str, Any]]) -> None:
    answer = client.post("/api/v2/alerts", json=alerts)
    assert answer.status_code == 200, answer.text


# Receivers and inhibition


@pytest.fixture(scope="module")
def routes_only(running_release: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """An Alertmanager with the shipped routes and inhibitions, whose receivers have nothing to send by."""
    config = shipped()
    config["receivers"] = [{"name": receiver["name"]} for receiver in config["receivers"]]
    with running_release(written(tmp_path_factory.mktemp("routes"), config), EXTERNAL_URL) as client:
        yield client


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_receivers_and_inhibition(routes_only: httpx.Client, number: int) -> None:
    # The services of a case are its own, so that no case's alerts mute those of another.
    def labels(row: dict[str, Any]) -> dict[str, str]:
        return {
            **row["labels"],
            "service": f"{number}-{row['labels'].get('service', '')}",
            "case": str(number),
        }

    rows = CASES[number]["alerts"]
    wanted = {json.dumps(labels(row), sort_keys=True): row for row in rows}
    push(routes_only, [{"labels": labels(row), "startsAt": BEGAN.isoformat()} for row in rows])

    def known() -> dict[str, dict[str, Any]]:
        answer = routes_only.get("/api/v2/alerts", params={"filter": f'case="{number}"'}).json()
        return {json.dumps(alert["labels"], sort_keys=True): alert for alert in answer}

    def muted() -> dict[str, bool]:
        return {key: bool(alert["status"]["inhibitedBy"]) for key, alert in known().items()}

    expected = {key: row.get("muted", False) for key, row in wanted.items()}
    until(lambda: muted() == expected, f"wanted {expected}, got {muted()}")
    for key, alert in known().items():
        names = [receiver["name"] for receiver in alert["receivers"]]
        assert sorted(set(names)) == sorted(set(wanted[key]["to"])), key


# What arrives


@dataclass
class Arrivals:
    """What came to the recording servers, in order."""

    posts: list[tuple[str, Any]] = field(default_factory=list)
    mails: list[tuple[str, email.message.EmailMessage]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    def of(self, path: str) -> list[Any]:
        return [body for at, body in list(self.posts) if at == path]

    def slack(self, name: str, status: str) -> dict[str, Any]:
        """Return Slack's message about an alert, and assert that there is one."""
        word = "RESOLVED]" if status == "resolved" else "FIRING:"
        found = [
            body
            for body in self.of("/slack")
            if f" {name} " in body["attachments"][0]["title"] and word in body["attachments"][0]["title"]
        ]
        assert len(found) == 1, (name, status, self.of("/slack"))
        return {"channel": found[0]["channel"], **found[0]["attachments"][0]}

    def mail(self, name: str, status: str) -> tuple[str, email.message.EmailMessage]:
        word = "RESOLVED]" if status == "resolved" else "FIRING:"
        found = [
            (to, mail)
            for to, mail in self.mails
            if f" {name} " in mail["Subject"] and word in mail["Subject"]
        ]
        assert len(found) == 1, (name, status, [mail["Subject"] for _, mail in self.mails])
        return found[0]


class _Mailbox:
    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, email.message.EmailMessage)
        self._arrivals.mails.append((envelope.rcpt_tos[0], message))
        return "250 OK"


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals()


@pytest.fixture
def web(arrivals: Arrivals) -> Iterator[str]:
    """A server for the forms of Slack, PagerDuty and webhooks; return its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            arrivals.posts.append((self.path, body))
            self.send_response(202 if self.path == "/pagerduty" else 200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def smtp(arrivals: Arrivals) -> Iterator[str]:
    """A mail server that asks for a password; return its host and port."""

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        arrivals.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"mail-secret")

    # It connects to the port that it is given when it has started, so 0 would not do.
    port = free_port()
    server = Controller(
        _Mailbox(arrivals),
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


def generated(folder: Path, web_url: str, smarthost: str) -> Path:
    """Write the copy with short times, these servers, and secrets in a folder of its own."""
    secrets = {
        "slack-webhook-url": f"{web_url}/slack",
        "pagerduty-routing-key": "routing-secret",
        "smtp-password": "mail-secret",
        "heartbeat-url": f"{web_url}/heartbeat",
    }
    for name, secret in secrets.items():
        (folder / name).write_text(secret, encoding="utf-8")
    text = json.dumps(shipped()).replace("/etc/alertmanager/secrets/", f"{folder}/")
    config: dict[str, Any] = json.loads(text)
    config["global"] |= {
        "smtp_smarthost": smarthost,
        "smtp_require_tls": False,
        "pagerduty_url": f"{web_url}/pagerduty",
    }
    for route in (config["route"], *config["route"]["routes"]):
        for name, short in (("group_wait", "100ms"), ("group_interval", "500ms")):
            if name in route:
                route[name] = short
    return written(folder, config)


@dataclass(frozen=True)
class Raised:
    name: str
    severity: str
    service: str
    dashboard: str

    @property
    def slug(self) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "-", self.name).lower()

    def alert(self, *, resolved: bool = False) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.UTC)
        labels = {"alertname": self.name, "service": self.service, **PLACE}
        if self.severity:
            labels["severity"] = self.severity
        return {
            "labels": labels,
            "annotations": {
                "summary": f"{self.name} & co",
                "description": f"12.5% of <{self.service}> & more",
                "runbook_url": f"https://accelerapp.example.com/playbooks/{self.slug}.md",
            },
            "startsAt": BEGAN.isoformat(),
            "endsAt": (now if resolved else now + datetime.timedelta(hours=1)).isoformat(),
        }


CRITICAL = Raised("HighErrorRate", "critical", 'code "gen" + x', "services-red")
HIGH = Raised("LLMServiceUnavailable", "high", "codegen", "codegen-llm")
WARNING = Raised("DiskSpaceLow", "warning", "node-exporter", "resource-use")
INFO = Raised("HighRequestRate", "info", "other", "services-red")
UNGRADED = Raised("SomethingElse", "", "other", "accelerapp-system-overview")
WATCHDOG = Raised("Watchdog", "none", "monitoring", "stack")
TOLD = [CRITICAL, HIGH, WARNING, INFO, UNGRADED]


def assert_links(links: dict[str, str], raised: Raised, *, firing: bool) -> None:
    assert links["Runbook"] == f"https://accelerapp.example.com/playbooks/{raised.slug}.md"
    dashboard = urlsplit(links["Dashboard"])
    assert f"{dashboard.scheme}://{dashboard.netloc}{dashboard.path}" == (
        f"http://localhost:3000/d/{raised.dashboard}"
    )
    milliseconds = int(BEGAN.timestamp() - 1800) * 1000
    assert parse_qs(dashboard.query) == {
        "from": [str(milliseconds)],
        "to": ["now"],
        "var-service": [raised.service],
    }
    traces = urlsplit(links["Traces"])
    assert f"{traces.scheme}://{traces.netloc}{traces.path}" == "http://localhost:16686/search"
    assert parse_qs(traces.query) == {
        "service": [raised.service],
        "tags": ['{"error":"true"}'],
        "start": [str(milliseconds * 1000)],
        "end": [str(milliseconds * 1000 + 3_600_000_000)],
    }
    assert ("Silence" in links) == firing
    if firing:
        base, _, filters = links["Silence"].partition("?filter=")
        assert base == f"{EXTERNAL_URL}/#/silences/new"
        # The page of Alertmanager reads the rest with decodeURIComponent, to which a plus is a plus.
        matchers = Matchers.of(parse_matchers(unquote(filters)))
        own = {"alertname": raised.name, "service": raised.service, **PLACE}
        assert matchers.match(own)
        for name in own:
            assert not matchers.match({**own, name: "x"}), name


def slack_links(text: str) -> dict[str, str]:
    return {name: link for link, name in re.findall(r"<([^|>]+)\|([^>]+)>", text)}


def assert_slack(message: dict[str, Any], raised: Raised, channel: str, *, firing: bool) -> None:
    assert message["channel"] == channel
    assert message["title"].endswith(f"{raised.name} of {raised.service} (eu-1/staging)")
    assert "*Cluster:* eu-1  *Environment:* staging" in message["text"]
    assert f"12.5% of &lt;{raised.service}&gt; &amp; more" in message["text"]
    assert message["color"] == (
        ("danger" if raised.severity in ("critical", "high") else "warning") if firing else "good"
    )
    assert_links(slack_links(message["text"]), raised, firing=firing)


def assert_mail(to: str, mail: email.message.EmailMessage, raised: Raised, *, firing: bool) -> None:
    assert to == ("accelerapp-team@example.com" if raised is INFO else "on-call@example.com")
    assert mail["From"] == "accelerapp-alerts@example.com"
    assert mail["Subject"].startswith("Daily digest: ") is (raised is INFO)
    assert mail["Subject"].endswith(f"{raised.name} of {raised.service} (eu-1/staging)")
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    text = "\n".join(plain.get_content().splitlines())
    assert "Cluster: eu-1" in text
    assert "Environment: staging" in text
    assert f"12.5% of <{raised.service}> & more" in text
    assert ("until: 20" in text) is not firing
    links = re.findall(r"^(Runbook|Dashboard|Traces|Silence): (\S+)$", text, re.MULTILINE)
    assert_links(dict(links), raised, firing=firing)
    page = rich.get_content()
    assert "Cluster: <b>eu-1</b><br>Environment: <b>staging</b>" in page
    assert (
        f"12.5% of &lt;{html.escape(raised.service)}".replace("&quot;", "&#34;").replace("+", "&#43;") in page
    )
    anchors = re.findall(r'<a href="([^"]*)">(\w+)</a>', page)
    assert_links({name: html.unescape(link) for link, name in anchors}, raised, firing=firing)


def assert_pagerduty(event: dict[str, Any], *, firing: bool) -> None:
    assert event["routing_key"] == "routing-secret"
    assert event["event_action"] == ("trigger" if firing else "resolve")
    if firing:  # with a resolution PagerDuty is told the key alone
        payload = event["payload"]
        assert payload["severity"] == "critical"
        assert payload["summary"].endswith(f"{CRITICAL.name} of {CRITICAL.service} (eu-1/staging)")
        assert (payload["class"], payload["component"]) == (CRITICAL.name, CRITICAL.service)
        assert payload["group"] == "eu-1/staging"
        details = payload["custom_details"]
        assert (details["cluster"], details["environment"]) == ("eu-1", "staging")
        assert f"12.5% of <{CRITICAL.service}> & more" in details["alerts"]
        assert_links({link["text"]: link["href"] for link in event["links"]}, CRITICAL, firing=True)


def test_what_arrives(
    running_release: Start, arrivals: Arrivals, web: str, smtp: str, tmp_path: Path
) -> None:
    with running_release(generated(tmp_path, web, smtp), EXTERNAL_URL) as client:
        push(client, [raised.alert() for raised in (*TOLD, WATCHDOG)])
        for count, firing in ((1, True), (2, False)):
            if not firing:
                push(client, [raised.alert(resolved=True) for raised in TOLD])

            def complete(count: int = count) -> bool:
                told = len(arrivals.of("/slack")), len(arrivals.mails), len(arrivals.of("/pagerduty"))
                return told == (4 * count, 3 * count, count) and len(arrivals.of("/heartbeat")) > 0

            until(complete, f"firing={firing}: {arrivals}")
    status = ("firing", True), ("resolved", False)
    for word, firing in status:
        for raised in (CRITICAL, HIGH, WARNING, UNGRADED):
            channel = "#accelerapp-critical" if raised is CRITICAL else "#accelerapp-alerts"
            assert_slack(arrivals.slack(raised.name, word), raised, channel, firing=firing)
        for raised in (CRITICAL, HIGH, INFO):
            assert_mail(*arrivals.mail(raised.name, word), raised, firing=firing)
    for event, (_, firing) in zip(arrivals.of("/pagerduty"), status, strict=True):
        assert_pagerduty(event, firing=firing)
    assert arrivals.of("/pagerduty")[0]["dedup_key"] == arrivals.of("/pagerduty")[1]["dedup_key"]
    assert set(arrivals.logins) == {(b"accelerapp-alerts@example.com", b"mail-secret")}
    heartbeat = arrivals.of("/heartbeat")[0]
    assert heartbeat["status"] == "firing"
    assert heartbeat["commonLabels"] == {
        "alertname": "Watchdog",
        "severity": "none",
        "service": "monitoring",
        **PLACE,
    }


def digests(arrivals: Arrivals) -> list[Any]:
    """Return the mails that tell of two alerts, one of which has ended."""
    subject = "Daily digest: [FIRING:1] info 2 alerts (eu-1/staging)"
    return [mail for _, mail in arrivals.mails if mail["Subject"] == subject]


def test_the_digest_holds_what_came_and_went_since_the_last(
    running_release: Start, arrivals: Arrivals, web: str, smtp: str, tmp_path: Path
) -> None:
    path = generated(tmp_path, web, smtp)
    config = json.loads(path.read_text(encoding="utf-8"))
    (route,) = (route for route in config["route"]["routes"] if route["receiver"] == "info-alerts")
    route["group_interval"] = "3s"  # the day
    path.write_text(json.dumps(config), encoding="utf-8")
    passing = Raised("QueueFull", "info", "third", "accelerapp-system-overview")
    with running_release(path, EXTERNAL_URL) as client:
        push(client, [INFO.alert()])
        until(lambda: len(arrivals.mails) == 1, "no first mail")
        push(client, [passing.alert()])
        push(client, [passing.alert(resolved=True)])
        # A digest may fall between the two that were sent; the next has both then.
        until(lambda: digests(arrivals), "no digest of both")
    plain = digests(arrivals)[0].get_body(("plain",))
    assert plain is not None
    assert "FIRING HighRequestRate (info) of other" in plain.get_content()
    assert "RESOLVED QueueFull (info) of third" in plain.get_content()
