"""The example specifications, and the service with a model server that is the stand-in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from accelerapp.codegen import CodegenSettings, create_app, ollama_standin
from accelerapp.monitoring import MetricsCollector

SPECS = Path(__file__).parents[3] / "examples" / "specs"
TOKEN = "a-fault-token"

#: Makes a client of the service from settings and, where given, an ASGI application as the model server.
MakeService = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(params=sorted(path.name for path in SPECS.iterdir()))
def example(request: pytest.FixtureRequest) -> dict[str, Any]:
    # JSON is YAML.
    spec: dict[str, Any] = YAML(typ="safe").load(SPECS / request.param)
    return spec


@pytest.fixture
def greenhouse() -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((SPECS / "greenhouse.json").read_text("utf-8"))
    return spec


@pytest.fixture
def metrics() -> MetricsCollector:
    return MetricsCollector()


@pytest.fixture
def service(metrics: MetricsCollector) -> MakeService:
    @asynccontextmanager
    async def make(model_server: Any = None, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        model_server = model_server or ollama_standin(seed=1, seconds=(0.0, 0.0))
        transport = (
            model_server
            if isinstance(model_server, httpx.AsyncBaseTransport)
            else httpx.ASGITransport(model_server)
        )
        settings = {"backend": "ollama", "fault_token": TOKEN, **settings}
        app = create_app(CodegenSettings(**settings), metrics=metrics, transport=transport)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://service"
            ) as client,
        ):
            yield client

    return make
