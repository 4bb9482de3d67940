"""What all tests share: no port but those they name, and the query API over what a test gives it."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from typing import Any, cast

import httpx
import hypothesis
import pytest

from accelerapp.server.config import RECEIVERS

# Observatories in tests open the ports that they name; the receivers' usual ones may be somebody's.
for _receiver in RECEIVERS:
    if _receiver != "otlp_http":
        os.environ[f"ACCELERAPP_{_receiver.upper()}_PORT"] = "off"

# No timing decides a test: an example may take as long as the machine needs.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def api() -> Open:
    """Return a way to open a client; keywords take the place of the parts of an empty observatory."""
    # Here, so that tests of other packages need not wait for the server.
    from accelerapp.server.api import OwnHealth, QueryThreads, Services, query_app
    from accelerapp.server.ingest import Account
    from accelerapp.server.promql import Engine, MemoryReader

    @asynccontextmanager
    async def client(
        host: str = "127.0.0.1", loopback_only: bool = True, **parts: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        reader = MemoryReader()
        with closing(QueryThreads(1, max_waiting=100, timeout_seconds=30)) as threads:
            defaults: dict[str, Any] = {
                "version": "0",
                "revision": "r",
                "external_url": "",
                "started_at": 0.0,
                "time_factor": 1.0,
                "clock": lambda: 1_000_000.0,
                "engine": Engine(reader),
                "metrics": reader,
                "dashboards": {},
                "account": Account("page", "The page", lambda: 1_000_000.0),
                "query_threads": threads,
                "health": OwnHealth(),
                "stopping": asyncio.Event(),
            }
            others = dict.fromkeys((field.name for field in dataclasses.fields(Services)), cast(Any, None))
            app = query_app(Services(**{**others, **defaults, **parts}), loopback_only=loopback_only)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as opened:
                yield opened

    return client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what a test logged sendable: between pytest-xdist's processes only valid Unicode passes."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "replace").decode()) for name, text in report.sections]
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give all browser tests to one process, which sets up their demo once; the others go file by file, as asked."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            scope = str(super()._split_scope(nodeid))
            return "tests/browser" if scope.startswith("tests/browser/") else scope

    return Scheduling(config, log)
