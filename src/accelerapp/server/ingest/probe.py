"""Probes an HTTP address from outside, and tells of it under blackbox_exporter's names."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx

from accelerapp.monitoring import FamilySnapshot
from accelerapp.server.ingest.compression import BoundedBody, TooLargeError

_LIMIT_BYTES = 1024 * 1024
_REDIRECTS = 10
#: The phases of a request, in blackbox_exporter's words, and the steps of the HTTP library between which each lies.
_PHASES = {
    "connect": ("connection.connect_tcp.started", "connection.connect_tcp.complete"),
    "tls": ("connection.start_tls.started", "connection.start_tls.complete"),
    "processing": ("http11.send_request_headers.complete", "http11.receive_response_headers.complete"),
    "transfer": ("http11.receive_response_body.started", "http11.receive_response_body.complete"),
}


class HttpProbe:
    """Asks a URL, and succeeds where the answer is 200 and its body contains a text.

    `timeout` is seconds for the whole of it, redirects included.
    """

    def __init__(self, url: str, expected: str, timeout: float = 5.0) -> None:
        self.url = url
        self._expected = expected.encode()
        self._timeout = timeout

    async def metrics(self) -> list[FamilySnapshot]:
        """Probe once, and return how it went."""
        started = time.perf_counter()
        steps: dict[str, float] = {}
        found: dict[str, float] = {"failed_due_to_regex": 0.0}
        try:
            async with asyncio.timeout(self._timeout):
                success = await self._ask(found, steps)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, TooLargeError):
            success = False
        duration = time.perf_counter() - started
        phases = {
            phase: steps[end] - steps[begin] if begin in steps and end in steps else 0.0
            for phase, (begin, end) in _PHASES.items()
        }
        return _families(success, duration, found, phases)

    async def _ask(self, found: dict[str, float], steps: dict[str, float]) -> bool:
        async def trace(step: str, _: object) -> None:
            steps[step] = time.perf_counter()

        async with (
            httpx.AsyncClient(
                trust_env=False,
                timeout=None,  # noqa: S113 - the caller's covers all of it
                follow_redirects=True,
                max_redirects=_REDIRECTS,
            ) as client,
            client.stream("GET", self.url, extensions={"trace": trace}) as response,
        ):
            body = BoundedBody(_LIMIT_BYTES, None)
            async for chunk in response.aiter_bytes():
                body.add(chunk)
            content = body.finish()
            address = response.extensions["network_stream"].get_extra_info("server_addr")
        found["http_status_code"] = response.status_code
        found["http_content_length"] = float(response.headers.get("content-length", -1))
        found["http_uncompressed_body_length"] = len(content)
        found["http_version"] = 2.0 if response.http_version == "HTTP/2" else float(response.http_version[5:])
        found["http_redirects"] = len(response.history)
        found["ip_protocol"] = 6.0 if address and ":" in address[0] else 4.0
        found["http_ssl"] = float(response.url.scheme == "https")
        matches = self._expected in content
        found["failed_due_to_regex"] = float(response.status_code == 200 and not matches)
        return response.status_code == 200 and matches


_MEANINGS = {
    "failed_due_to_regex": "Whether the body of the answer was not the one expected.",
    "http_status_code": "Status of the answer, 0 where there was none.",
    "http_content_length": "Length of the body that the answer announced, -1 where it announced none.",
    "http_uncompressed_body_length": "Bytes of the body.",
    "http_redirects": "Redirects that were followed.",
    "ip_protocol": "Version of the Internet Protocol that was spoken, 0 where there was no connection.",
    "http_version": "Version of HTTP that was spoken.",
    "http_ssl": "Whether the answer came over TLS.",
}


def _families(
    success: bool, duration: float, found: dict[str, float], phases: dict[str, float]
) -> list[FamilySnapshot]:
    def gauge(name: str, meaning: str, value: float) -> FamilySnapshot:
        return FamilySnapshot(name, f"probe_{name}", "gauge", meaning, (), (), [((), value)])

    rows: list[tuple[tuple[str, ...], Any]] = [((phase,), seconds) for phase, seconds in phases.items()]
    return [
        gauge("success", "Whether the probe succeeded.", float(success)),
        gauge("duration_seconds", "Seconds that the probe took.", duration),
        *(gauge(name, meaning, found.get(name, 0.0)) for name, meaning in _MEANINGS.items()),
        FamilySnapshot(
            "http_duration_seconds",
            "probe_http_duration_seconds",
            "gauge",
            "Seconds of the request by its phase.",
            ("phase",),
            (),
            rows,
        ),
    ]
