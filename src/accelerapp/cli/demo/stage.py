"""The stage of the demo: the observatory, the service, the model's stand-in, the webhook and the traffic."""

from __future__ import annotations

import contextlib
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from accelerapp.cli.demo.local import local_server
from accelerapp.cli.demo.observer import Observer
from accelerapp.cli.demo.ports import claim
from accelerapp.cli.demo.processes import Program
from accelerapp.cli.demo.traffic import traffic
from accelerapp.server.config import ENVIRONMENT_PREFIX, RECEIVERS
from accelerapp.shipped import shipped

#: The range window of the story's alerts, in seconds, as the rule file has it.
RULE_WINDOW = 300.0
#: The receivers that the routes name for the severities of the story; the webhook is added to each.
_RECEIVERS = ("critical-alerts", "high-alerts", "warning-alerts")
_START_SECONDS = 60.0

#: Called with what is being started, before and after; a terminal shows it.
Progress = Callable[[str], contextlib.AbstractContextManager[object]]


class StageError(Exception):
    """A program of the demo did not start, or has ended; the message says which and shows its log."""


@dataclass(frozen=True)
class Ports:
    """The ports of the programs; 0 takes a free one."""

    page: int = 9090
    otlp_http: int = 4318
    codegen: int = 8088


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs: the page's address, the one that looks at it, the alerts' window in seconds as it is evaluated."""

    url: str
    otlp_url: str
    observer: Observer
    window: float
    check_programs: Callable[[], None]


@contextlib.contextmanager
def set_up(ports: Ports, time_factor: float, starting: Progress = contextlib.nullcontext) -> Iterator[Stage]:
    """Start everything, wait until it answers, and end it all when the block ends.

    Raises TakenPortError, naming the option, and StageError.
    """
    token = secrets.token_urlsafe(24)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="accelerapp-demo-")))
        ports = Ports(
            claim(ports.page, "--port"),
            claim(ports.otlp_http, "--otlp-http-port"),
            claim(ports.codegen, "--codegen-port"),
        )
        url, service = f"http://127.0.0.1:{ports.page}", f"http://127.0.0.1:{ports.codegen}"
        local = stack.enter_context(local_server())
        observer = stack.enter_context(Observer(url, service, f"{local}/webhook", token))
        programs = [
            stack.enter_context(_observatory(ports, folder, time_factor, f"{local}/webhook/notify")),
            stack.enter_context(_service(ports, folder, token, local)),
        ]

        def check_programs() -> None:
            for program in programs:
                if reason := program.ended():
                    raise StageError(reason)

        for what, ready in (
            ("the observatory", observer.ready),
            ("the code-generation service", observer.service_ready),
        ):
            with starting(what):
                _wait(what, ready, check_programs)
        stack.enter_context(traffic(service, shipped("specs")))
        yield Stage(
            url,
            f"http://127.0.0.1:{ports.otlp_http}",
            observer,
            RULE_WINDOW / time_factor,
            check_programs,
        )


def _observatory(ports: Ports, folder: Path, time_factor: float, webhook: str) -> Program:
    target = {"targets": [f"127.0.0.1:{ports.codegen}"], "labels": {"service": "codegen"}}
    overlay = folder / "overlay.yml"
    # JSON is YAML.
    overlay.write_text(
        json.dumps(
            {
                "scrape_configs": [{"job_name": "accelerapp", "static_configs": [target]}],
                "receivers": [
                    {"name": name, "webhook_configs": [{"url": webhook, "send_resolved": True}]}
                    for name in _RECEIVERS
                ],
            }
        )
    )
    arguments = [
        "up",
        *("--port", str(ports.page)),
        *("--otlp-http-port", str(ports.otlp_http)),
        *("--data-dir", str(folder / "data")),
        *("--overlay-file", str(overlay)),
        *("--time-factor", f"{time_factor:g}"),
    ]
    # The demo sends by OTLP over HTTP; the other ports are left to an observatory that runs beside it.
    others = dict.fromkeys(
        (f"{ENVIRONMENT_PREFIX}{name.upper()}_PORT" for name in RECEIVERS if name != "otlp_http"), "off"
    )
    return Program("the observatory", arguments, others, folder / "observatory.log")


def _service(ports: Ports, folder: Path, token: str, model: str) -> Program:
    environment = {
        "ACCELERAPP_CODEGEN_BACKEND": "ollama",
        "ACCELERAPP_CODEGEN_OLLAMA_URL": model,
        "ACCELERAPP_CODEGEN_FAULT_TOKEN": token,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{ports.otlp_http}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "ACCELERAPP_CODEGEN_HEALTH_INTERVAL": "1",
        # The story is watched as it happens, so telemetry leaves twice a second.
        "OTEL_BSP_SCHEDULE_DELAY": "500",
        "OTEL_BLRP_SCHEDULE_DELAY": "500",
    }
    arguments = ["codegen", "serve", "--host", "127.0.0.1", "--port", str(ports.codegen)]
    return Program("the code-generation service", arguments, environment, folder / "codegen.log")


def _wait(what: str, ready: Callable[[], bool], check_programs: Callable[[], None]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        check_programs()
        with contextlib.suppress(httpx.TransportError):
            if ready():
                return
        time.sleep(0.1)
    raise StageError(f"{what} did not answer within {_START_SECONDS:.0f} s")
