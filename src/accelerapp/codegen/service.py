"""The code-generation service: an HTTP application on FastAPI."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel

import accelerapp
from accelerapp.codegen.backend import Backend, TemplateBackend
from accelerapp.codegen.boards import BOARDS
from accelerapp.codegen.body_limit import BodyLimit
from accelerapp.codegen.catalogue import (
    PlatformDescription,
    PlatformsResponse,
    SensorDescription,
    describe_board,
)
from accelerapp.codegen.docs_page import add_docs
from accelerapp.codegen.fault_routes import fault_routes
from accelerapp.codegen.faults import FaultSwitch, FaultTransport, MemoryGrowth
from accelerapp.codegen.generator import Generator
from accelerapp.codegen.health import HealthMonitor
from accelerapp.codegen.limiter import Limiter
from accelerapp.codegen.metrics import GenerationMetrics, ModelMetrics
from accelerapp.codegen.ollama import OllamaBackend
from accelerapp.codegen.platforms import PLATFORMS
from accelerapp.codegen.problems import install_problem_handlers
from accelerapp.codegen.project import Project
from accelerapp.codegen.requests import OPENAPI, describe_specification, not_buildable, read_specification
from accelerapp.codegen.settings import CodegenSettings
from accelerapp.codegen.specification import QUANTITIES, WIRING
from accelerapp.codegen.specification_check import SpecificationError
from accelerapp.monitoring import (
    HealthChecker,
    HealthStatus,
    MetricsCollector,
    audit,
    current_trace,
    get_correlation_id,
    get_metrics,
)
from accelerapp.observability import PrometheusMetricsExporter
from accelerapp.observability.integrations.asgi import ObservabilityMiddleware

_EXPECTED = (("POST", "/v1/generate", (200, 422, 429, 500, 502, 503)),)

#: The middleware makes the server span and the metrics; FastAPI's own would make each of them twice.
_NO_TELEMETRY_OF_FASTAPI: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


class GenerateResponse(BaseModel):
    """A generated project, and the ids under which its making can be looked up."""

    project: Project
    backend: str
    platform: str
    board: str
    warnings: list[str]
    trace_id: str | None
    correlation_id: str | None


def create_app(
    settings: CodegenSettings | None = None,
    *,
    metrics: MetricsCollector | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        settings: From the environment unless given.
        metrics: The process-wide collector unless given.
        transport: What carries requests to the model; TCP unless given.
    """
    settings = settings or CodegenSettings()
    metrics = metrics or get_metrics()
    switch = FaultSwitch()
    backend = _backend(settings, metrics, switch, transport)
    fallback: Backend | None = None
    if settings.fallback_to_templates and backend.name != "templates":
        fallback = TemplateBackend()
    names = [backend.name] + ([fallback.name] if fallback else [])
    generator = Generator(backend, GenerationMetrics(metrics, PLATFORMS, names), fallback)
    limiter = Limiter(settings.max_generations, settings.max_waiting, metrics)
    health = HealthMonitor(
        HealthChecker(metrics), settings.health_interval, lambda: switch.faults.health_delay_seconds
    )
    health.watch(backend, critical=fallback is None, timeout=settings.ollama_connect_timeout)
    metrics.gauge(
        "build_info", "Version and revision of what runs; always 1.", ("version", "revision")
    ).labels(version=accelerapp.__version__, revision=settings.revision).set(1)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        health.start()
        growth = asyncio.create_task(MemoryGrowth(switch).run(), name="memory growth")
        # A restart is how the model or the backend changes, so what is in force is told at every start.
        audit(
            "configuration-loaded",
            f"started with the backend {settings.backend}",
            kind="info",
            fields={
                "backend": settings.backend,
                **({"model": settings.ollama_model} if settings.backend == "ollama" else {}),
                "fallback_to_templates": fallback is not None,
                "fault_switch": settings.fault_token is not None,
                "revision": settings.revision,
            },
        )
        try:
            yield
        finally:
            growth.cancel()
            await health.stop()
            await backend.close()

    app = FastAPI(
        title="Accelerapp code generation",
        version=accelerapp.__version__,
        description="Takes a hardware specification, answers a project for MicroPython or Arduino.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY_OF_FASTAPI,
    )
    app.add_middleware(BodyLimit, most=settings.max_request_bytes)
    app.add_middleware(ObservabilityMiddleware, metrics=metrics, expected=_EXPECTED)
    install_problem_handlers(app)
    describe_specification(app)
    add_docs(app)
    app.state.limiter = limiter
    _add_generate(app, generator, limiter)
    _add_platforms(app)
    _add_probes(app, health, limiter, PrometheusMetricsExporter(metrics))
    token = settings.fault_token.get_secret_value() if settings.fault_token else None
    app.include_router(fault_routes(switch, token))
    return app


def _backend(
    settings: CodegenSettings,
    metrics: MetricsCollector,
    switch: FaultSwitch,
    transport: httpx.AsyncBaseTransport | None,
) -> Backend:
    if settings.backend == "templates":
        return TemplateBackend()
    return OllamaBackend(
        str(settings.ollama_url),
        settings.ollama_model,
        ModelMetrics(metrics, settings.ollama_model),
        transport=FaultTransport(transport or httpx.AsyncHTTPTransport(), switch),
        connect_timeout=settings.ollama_connect_timeout,
        read_timeout=settings.ollama_read_timeout,
        timeout=settings.generation_timeout,
        retries=settings.ollama_retries,
    )


def _add_generate(app: FastAPI, generator: Generator, limiter: Limiter) -> None:
    @app.post(
        "/v1/generate",
        tags=["generation"],
        openapi_extra=OPENAPI,
        responses={
            413: {"description": "The body is too large."},
            415: {"description": "The body is neither JSON nor YAML."},
            422: {"description": "The specification is malformed or cannot be built on the board."},
            429: {
                "description": "Too many generations run and wait already; Retry-After says when to ask again."
            },
            502: {"description": "The model failed, or what it wrote did not pass the checks."},
            503: {"description": "The service is stopping."},
        },
    )
    async def generate(request: Request) -> GenerateResponse:
        """Generate a project from a hardware specification in JSON or YAML, checked for its board."""
        specification, document = await read_specification(request)
        async with limiter.turn():
            try:
                generation = await generator.generate(specification)
            except SpecificationError as exc:
                raise not_buildable(exc, document) from exc
        trace = current_trace()
        return GenerateResponse(
            project=generation.project,
            backend=generation.backend,
            platform=specification.platform,
            board=specification.board,
            warnings=generation.warnings,
            trace_id=trace[0] if trace else None,
            correlation_id=get_correlation_id(),
        )


def _add_platforms(app: FastAPI) -> None:
    @app.get("/v1/platforms", tags=["generation"])
    async def platforms() -> PlatformsResponse:
        """Tell for which platforms and boards code is generated, and what can be wired to them."""
        return PlatformsResponse(
            platforms=[
                PlatformDescription(id=one.id, name=one.name, language=one.language, boards=list(BOARDS))
                for one in PLATFORMS.values()
            ],
            boards=[describe_board(board) for board in BOARDS.values()],
            sensors=[
                SensorDescription(kind=kind, peripheral=WIRING[kind], quantities=list(quantities))
                for kind, quantities in QUANTITIES.items()
            ],
        )


def _add_probes(
    app: FastAPI, health: HealthMonitor, limiter: Limiter, exporter: PrometheusMetricsExporter
) -> None:
    @app.get("/health", tags=["operation"])
    async def alive() -> dict[str, str]:
        """Tell that the process answers; whether it can do its work is what /ready tells."""
        return {"status": "healthy", "version": accelerapp.__version__}

    @app.get("/ready", tags=["operation"])
    async def ready() -> JSONResponse:
        """Tell what the health checks said last; 503 where a critical one failed, or the service is stopping."""
        report = await health.report()
        failed = report["status"] == HealthStatus.UNHEALTHY.value or limiter.draining
        return JSONResponse({**report, "stopping": limiter.draining}, status_code=503 if failed else 200)

    @app.get("/metrics", tags=["operation"], response_class=Response)
    async def metrics(request: Request) -> Response:
        """The metrics, in the text format or in OpenMetrics as the Accept header asks."""
        content_type, body = exporter.render(request.headers.get("accept"))
        return Response(body, headers={"Content-Type": content_type})
