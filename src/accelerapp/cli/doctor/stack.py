"""A running stack as HTTP shows it: each part at its address, and the others through Prometheus."""

from __future__ import annotations

import json
import ssl
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx

LONGEST_ANSWER_BYTES = 64 * 1024 * 1024
_LONGEST_TEXT = 400
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Part(StrEnum):
    """The parts, by the names of their services in Compose."""

    PROMETHEUS = "prometheus"
    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"
    ELASTICSEARCH = "elasticsearch"
    LOGSTASH = "logstash"
    KIBANA = "kibana"
    JAEGER = "jaeger"
    COLLECTOR = "otel-collector"
    APPLICATION = "accelerapp"
    NODE_EXPORTER = "node-exporter"
    BLACKBOX_EXPORTER = "blackbox-exporter"
    OLLAMA = "ollama"


#: The jobs of Prometheus in which a part is scraped or probed.
JOBS: dict[Part, tuple[str, ...]] = {
    Part.APPLICATION: ("accelerapp",),
    Part.PROMETHEUS: ("prometheus",),
    Part.ALERTMANAGER: ("alertmanager",),
    Part.GRAFANA: ("grafana",),
    Part.JAEGER: ("jaeger",),
    Part.COLLECTOR: ("otel-collector", "otel-exported"),
    Part.NODE_EXPORTER: ("node-exporter",),
    Part.BLACKBOX_EXPORTER: ("blackbox-exporter",),
    Part.ELASTICSEARCH: ("probe-elasticsearch", "probe-elasticsearch-writable"),
    Part.LOGSTASH: ("probe-logstash",),
    Part.KIBANA: ("probe-kibana",),
    Part.OLLAMA: ("ollama",),
}


class NoAnswerError(Exception):
    """A part did not answer, or not with what was asked for; `mend` says what helps where that is known."""

    def __init__(self, text: str, mend: str = "") -> None:
        super().__init__(text)
        self.mend = mend


class NotCheckedError(Exception):
    """What a check stands on is not there; the text is the reason."""


@dataclass(frozen=True)
class Credentials:
    """A user and a password, which is never shown."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the body, or raise ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Sample:
    """One element of an instant query's answer."""

    labels: Mapping[str, str]
    value: float


class Stack:
    """What the checks look at. A part that once did not answer is not asked again."""

    def __init__(
        self,
        addresses: Mapping[Part, str],
        *,
        client: httpx.Client,
        seconds: float,
        credentials: Mapping[Part, Credentials] | None = None,
        without: frozenset[Part] = frozenset(),
        observatory_wanted: bool = False,
        assumed: frozenset[Part] = frozenset(),
    ) -> None:
        """Keep what the command line says.

        Args:
            addresses: Base URLs; a part that is not among them is looked at through Prometheus.
            client: What asks.
            seconds: The longest that one answer may take, to its end.
            credentials: For the parts that want some.
            without: Parts that this stack does not have.
            observatory_wanted: Whether what speaks Prometheus' API must be an observatory.
            assumed: Parts whose address nobody gave: in an observatory they are not.
        """
        self.addresses = dict(addresses)
        self.credentials = dict(credentials or {})
        self.without = without
        self.observatory_wanted = observatory_wanted
        self.observatory: dict[str, Any] | None = None
        self._assumed = assumed
        self._client = client
        self._seconds = seconds
        self._given_up: dict[Part, str] = {}

    def has(self, part: Part) -> bool:
        """Return whether a part has an address; raise NotCheckedError where the stack is without it."""
        if part in self.without:
            raise NotCheckedError(f"--without {part} says that there is none")
        return part in self.addresses

    def give_up(self, part: Part, reason: str) -> None:
        """Let later checks of a part say this reason rather than ask in vain."""
        self._given_up.setdefault(part, reason)

    def ask(
        self,
        part: Part,
        path: str,
        parameters: Mapping[str, str] | None = None,
        *,
        post: bytes | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Ask a part and return what it answers, whatever the status."""
        if not self.has(part):
            raise NotCheckedError(f"no address of {part} is given")
        if part in self._given_up:
            raise NotCheckedError(self._given_up[part])
        url = self.addresses[part].rstrip("/") + path
        known = self.credentials.get(part)
        deadline = time.monotonic() + self._seconds
        try:
            with self._client.stream(
                "GET" if post is None else "POST",
                url,
                params=parameters,
                content=post,
                headers={} if post is None else {"Content-Type": content_type},
                auth=None if known is None else httpx.BasicAuth(known.user, known.password),
                timeout=self._seconds,
            ) as response:
                body = bytearray()
                for piece in response.iter_bytes():
                    body += piece
                    # The timeout above is for each piece: one who dribbles would keep us for ever.
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("the answer did not end in time")
                    if len(body) > LONGEST_ANSWER_BYTES:
                        raise NoAnswerError(f"{part} at {url} answers without end")
                return Answer(response.status_code, bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            self.give_up(part, f"{part} does not answer")
            why = str(error) or type(error).__name__
            raise NoAnswerError(f"{part} does not answer at {self.addresses[part]}: {why}") from error

    def get(self, part: Part, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """Return the JSON that a part answers with 200; anything else is no answer."""
        answer = self.ask(part, path, parameters)
        if answer.status != 200:
            raise NoAnswerError(f"{part} answers {path} with HTTP {answer.status}: {_said(answer)}")
        return answer.json()

    def prometheus(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """Return `data` of an answer of Prometheus' API."""
        return self.get(Part.PROMETHEUS, f"/api/v1/{path}", parameters)["data"]

    def query(self, expression: str) -> list[Sample]:
        """Return the vector that an expression has now."""
        data = self.prometheus("query", {"query": expression})
        return [Sample(each["metric"], float(each["value"][1])) for each in data["result"]]

    def number(self, expression: str) -> float | None:
        """Return the one value of an expression, or none."""
        found = self.query(expression)
        return found[0].value if found else None

    def recognise(self) -> None:
        """Find out whether it is an observatory that speaks Prometheus' API."""
        answer = self.ask(Part.PROMETHEUS, "/api/accelerapp/v1/status")
        if answer.status != 200:
            return
        try:
            status = answer.json()
        except ValueError:
            return  # a proxy's page
        self.observatory = status
        for part in self._assumed:
            self.addresses.pop(part, None)
        if Part.COLLECTOR in self._assumed and (port := status["ports"].get("otlp_http")):
            own = urlsplit(self.addresses[Part.PROMETHEUS])
            host = f"[{own.hostname}]" if ":" in str(own.hostname) else own.hostname
            if own.hostname in LOOPBACK:
                self.addresses[Part.COLLECTOR] = f"http://{host}:{port}"

    def told(self, text: str) -> str:
        """Return a text of others as it may be shown: one line, no control characters, not a secret, not endless."""
        for known in self.credentials.values():
            if known.password:
                text = text.replace(known.password, "…")
        text = " ".join(text.split())
        text = "".join(char for char in text if unicodedata.category(char) not in {"Cc", "Cf"})
        return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def _said(answer: Answer) -> str:
    return answer.body[:200].decode(errors="replace").strip() or "nothing"


def samples_told(samples: list[Sample], *labels: str, number: bool = True) -> str:
    """Return the first few of many as `a b: 3, c d: 1`, by some of their labels."""
    shown = []
    for each in sorted(samples, key=lambda sample: -sample.value)[:4]:
        name = " ".join(each.labels[label] for label in labels if each.labels.get(label)) or "all"
        shown.append(f"{name}: {each.value:.6g}" if number else name)
    more = [f"and {len(samples) - 4} more"] if len(samples) > 4 else []
    return ", ".join([*shown, *more])
