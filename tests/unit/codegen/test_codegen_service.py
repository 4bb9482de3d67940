"""The HTTP service: answers, problems, metrics, faults, health, traces and logs."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from accelerapp.codegen import CodegenSettings, Project, ProjectFile, ollama_standin
from accelerapp.codegen.faults import Faults, FaultSwitch, MemoryGrowth
from accelerapp.monitoring import AUDIT_LOGGER, JsonFormatter, MetricsCollector
from accelerapp.observability import tracing

AUTHORIZED = {"Authorization": "Bearer a-fault-token"}


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use_provider(provider)
    yield exporter
    tracing.use_provider(None)
    provider.shutdown()


def counter(metrics: MetricsCollector, name: str) -> dict[str, float]:
    """Return the children of a counter that are not 0, by their label values."""
    (family,) = [family for family in metrics.collect() if family.name == name]
    return {
        " ".join(labels): value for labels, value in family.values if isinstance(value, float | int) and value
    }


def answer_with(code: str) -> Any:
    project = Project(files=[ProjectFile(path="main.py", content=code)])
    return ollama_standin(answer=lambda prompt: project, seconds=(0, 0))


@pytest.mark.parametrize("backend", ["ollama", "templates"])
async def test_a_specification_becomes_a_project(
    service: Any, metrics: MetricsCollector, example: dict[str, Any], backend: str
) -> None:
    async with service(backend=backend) as client:
        answer = await client.post("/v1/generate", json=example, headers={"X-Correlation-ID": "req-1"})
    assert answer.status_code == 200
    body = answer.json()
    platform = example.get("platform", "micropython")
    assert (body["backend"], body["board"], body["correlation_id"]) == (backend, example["board"], "req-1")
    assert body["platform"] == platform
    name = example["name"]
    expected = {
        "micropython": {"main.py", "config.py", "boot.py", "README.md"},
        "arduino": {f"{name}/{name}.ino", f"{name}/config.h", "README.md"},
    }
    assert expected[platform] <= {file["path"] for file in body["project"]["files"]}
    assert body["warnings"] == []
    assert counter(metrics, "code_generation_total") == {f"{platform} {backend}": 1}
    assert counter(metrics, "code_generation_failures_total") == {}
    assert counter(metrics, "requests_total") == {"/v1/generate POST 200": 1}
    assert counter(metrics, "errors_total") == {}


async def test_the_children_that_rules_use_exist_at_zero(service: Any, metrics: MetricsCollector) -> None:
    async with service() as client:
        text = (await client.get("/metrics")).text
    for line in (
        'accelerapp_requests_total{route="/v1/generate",method="POST",code="200"} 0',
        'accelerapp_requests_total{route="/v1/generate",method="POST",code="502"} 0',
        'accelerapp_errors_total{route="/v1/generate",method="POST",code="500"} 0',
        'accelerapp_errors_total{route="/v1/generate",method="POST",code="502"} 0',
        'accelerapp_request_duration_seconds_bucket{route="/v1/generate",method="POST",le="1.0"} 0',
        'accelerapp_request_duration_seconds_bucket{route="/v1/generate",method="POST",le="120.0"} 0',
        'accelerapp_code_generation_total{platform="micropython",backend="ollama"} 0',
        'accelerapp_code_generation_total{platform="arduino",backend="ollama"} 0',
        'accelerapp_code_generation_failures_total{platform="micropython",backend="ollama",reason="unreachable"} 0',
        'accelerapp_code_generation_failures_total{platform="arduino",backend="ollama",reason="invalid_pins"} 0',
    ):
        assert line in text.splitlines()


async def test_a_failed_model_call_is_a_502_and_a_failed_generation(
    service: Any, metrics: MetricsCollector, greenhouse: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with service() as client:
        await client.put("/v1/faults", json={"backend_down": True}, headers=AUTHORIZED)
        caplog.clear()
        answer = await client.post("/v1/generate", json=greenhouse, headers={"X-Correlation-ID": "req-2"})
        await client.delete("/v1/faults", headers=AUTHORIZED)
        again = await client.post("/v1/generate", json=greenhouse)
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["reason"], body["correlation_id"]) == (502, "unreachable", "req-2")
    assert again.status_code == 200
    assert counter(metrics, "code_generation_failures_total") == {"micropython ollama unreachable": 1}
    assert counter(metrics, "code_generation_total") == {"micropython ollama": 2}
    assert counter(metrics, "errors_total") == {"/v1/generate POST 502": 1}
    (error,) = [r for r in caplog.records if r.name == "accelerapp.codegen" and r.levelno == logging.ERROR]
    assert "cannot be reached" in error.getMessage()
    assert vars(error)["extra_fields"]["reason"] == "unreachable"


@pytest.mark.parametrize(
    ("code", "reason"),
    [("def main(:", "invalid_code"), ("from machine import Pin\nPin(13, Pin.OUT)", "invalid_pins")],
)
async def test_what_the_model_wrote_is_checked(
    service: Any, metrics: MetricsCollector, greenhouse: dict[str, Any], code: str, reason: str
) -> None:
    async with service(answer_with(code)) as client:
        answer = await client.post("/v1/generate", json=greenhouse)
    assert (answer.status_code, answer.json()["reason"]) == (502, reason)
    assert answer.json()["detail"].startswith("main.py:")
    assert counter(metrics, "code_generation_failures_total") == {f"micropython ollama {reason}": 1}


async def test_what_could_not_be_checked_is_a_warning(service: Any, greenhouse: dict[str, Any]) -> None:
    async with service(answer_with("from machine import Pin\nPin(int('26'))")) as client:
        answer = await client.post("/v1/generate", json=greenhouse)
    assert answer.json()["warnings"] == [
        "main.py:2: which pin this is cannot be told without running the code"
    ]


async def test_falling_back_is_a_setting(
    service: Any, metrics: MetricsCollector, greenhouse: dict[str, Any]
) -> None:
    async with service(fallback_to_templates=True) as client:
        await client.put("/v1/faults", json={"error_rate": 1}, headers=AUTHORIZED)
        answer = await client.post("/v1/generate", json=greenhouse)
        assert (await client.get("/ready")).status_code == 200
    assert (answer.status_code, answer.json()["backend"]) == (200, "templates")
    assert "ollama failed (http_status); the templates wrote this instead" in answer.json()["warnings"]
    assert counter(metrics, "code_generation_total") == {"micropython ollama": 1, "micropython templates": 1}
    assert counter(metrics, "code_generation_failures_total") == {"micropython ollama http_status": 1}
    assert counter(metrics, "errors_total") == {}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "the body is no JSON"),
        (
            b'{"name": "a", "board": "esp32", "peripherals": [{"type": "pwm", "id": "f"}]}',
            "peripherals/0/pin: Field required",
        ),
        (
            b'{"name": "a", "board": "esp32", "peripherals": [{"type": "pwm", "id": "f", "pin": 34}]}',
            "input only",
        ),
    ],
)
async def test_a_wrong_specification_is_a_422_and_no_error(
    service: Any, metrics: MetricsCollector, body: bytes, detail: str
) -> None:
    async with service() as client:
        answer = await client.post("/v1/generate", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert detail in answer.json()["detail"]
    assert counter(metrics, "requests_total") == {"/v1/generate POST 422": 1}
    assert counter(metrics, "errors_total") == {}
    assert counter(metrics, "code_generation_total") == {}


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large_is_refused(
    service: Any, metrics: MetricsCollector, announced: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    async with service(max_request_bytes=1000) as client:
        answer = await client.post("/v1/generate", content=b" " * 2000 if announced else pieces())
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "the body is larger than 1000 bytes"
    assert answer.json()["correlation_id"]
    assert counter(metrics, "requests_total") == {"/v1/generate POST 413": 1}
    assert counter(metrics, "errors_total") == {}


async def test_every_route_that_reads_a_body_has_its_limit(service: Any) -> None:
    async with service(max_request_bytes=1000, fault_token="long-enough") as client:
        answer = await client.put("/v1/faults", content=b" " * 2000)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_error_of_ours_is_a_500_without_its_text(
    service: Any, metrics: MetricsCollector, greenhouse: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr("accelerapp.codegen.micropython.check_project", broken)
    async with service() as client:
        answer = await client.post("/v1/generate", json=greenhouse)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert counter(metrics, "errors_total") == {"/v1/generate POST 500": 1}
    assert counter(metrics, "code_generation_failures_total") == {"micropython ollama internal": 1}


async def test_the_fault_switch_needs_its_token(service: Any) -> None:
    async with service() as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic a-fault-token"}):
            answer = await client.put("/v1/faults", json={"backend_down": True}, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        off = {
            "backend_down": False,
            "latency_seconds": 0.0,
            "error_rate": 0.0,
            "memory_growth_mb_per_second": 0.0,
            "memory_limit_mb": 512,
            "health_delay_seconds": 0.0,
        }
        assert (await client.get("/v1/faults", headers=AUTHORIZED)).json() == off
        on = await client.put("/v1/faults", json={"error_rate": 0.5}, headers=AUTHORIZED)
        assert on.json() == {**off, "error_rate": 0.5}
        for wrong in ({"error_rate": 2}, {"latency_seconds": 61}, {"other": 1}):
            assert (await client.put("/v1/faults", json=wrong, headers=AUTHORIZED)).status_code == 422
        assert (await client.delete("/v1/faults", headers=AUTHORIZED)).json() == off


async def test_audit_events_tell_who_changed_what_and_no_secret(
    service: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    monkeypatch.setattr(caplog.handler, "formatter", JsonFormatter())
    async with service() as client:
        await client.get("/v1/faults", headers={"Authorization": "Bearer a-wrong-one"})
        await client.put("/v1/faults", json={"error_rate": 0.5}, headers=AUTHORIZED)
        await client.get("/v1/faults", headers=AUTHORIZED)
        await client.delete("/v1/faults", headers=AUTHORIZED)
    lines = caplog.text.splitlines()
    events = [event for event in map(json.loads, lines) if event["logger"] == AUDIT_LOGGER]
    assert [(e["event.category"], e["event.action"], e["event.outcome"]) for e in events] == [
        ("configuration", "configuration-loaded", "success"),
        ("authentication", "fault-switch-access", "failure"),
        ("configuration", "fault-injection-changed", "success"),
        ("configuration", "fault-injection-changed", "success"),
    ]
    assert (events[0]["backend"], events[0]["model"]) == ("ollama", CodegenSettings().ollama_model)
    assert [event["error_rate"] for event in events[2:]] == [0.5, 0]
    assert {event["source.address"] for event in events[1:]} == {"127.0.0.1"}
    assert all(event["correlation_id"] for event in events[1:])
    assert not [line for line in lines if "a-fault-token" in line or "a-wrong-one" in line]


async def test_without_a_token_there_is_no_fault_switch(service: Any) -> None:
    async with service(fault_token=None) as client:
        for method in ("GET", "PUT", "DELETE"):
            answer = await client.request(method, "/v1/faults", headers=AUTHORIZED)
            assert answer.status_code == 404
        assert "/v1/faults" not in (await client.get("/openapi.json")).text


async def test_injected_latency_runs_into_the_real_time_out(
    service: Any, metrics: MetricsCollector, greenhouse: dict[str, Any]
) -> None:
    async with service(ollama_read_timeout=0.05) as client:
        await client.put("/v1/faults", json={"latency_seconds": 30}, headers=AUTHORIZED)
        answer = await client.post("/v1/generate", json=greenhouse)
    assert (answer.status_code, answer.json()["reason"]) == (502, "timeout")


async def test_health_ready_and_the_gauge(service: Any, metrics: MetricsCollector) -> None:
    async with service() as client:
        assert (await client.get("/health")).json()["status"] == "healthy"
        ready = await client.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "healthy")
        text = (await client.get("/metrics")).text
    assert 'accelerapp_health_check_status{check="model_backend"} 1' in text.splitlines()


async def test_a_backend_that_is_away_is_not_ready_but_alive(service: Any) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with service(httpx.MockTransport(refuse)) as client:
        ready = await client.get("/ready")
        assert (ready.status_code, ready.json()["checks"][0]["name"]) == (503, "model_backend")
        assert "cannot be reached" in ready.json()["checks"][0]["error"]
        assert (await client.get("/health")).status_code == 200
        text = (await client.get("/metrics")).text
    assert 'accelerapp_health_check_status{check="model_backend"} 0' in text.splitlines()


async def test_probes_are_not_counted(service: Any, metrics: MetricsCollector) -> None:
    async with service() as client:
        for path in ("/health", "/ready", "/metrics"):
            assert (await client.get(path)).status_code == 200
    assert counter(metrics, "requests_total") == {}


async def test_metrics_in_openmetrics_are_valid(service: Any, greenhouse: dict[str, Any]) -> None:
    async with service(revision="abc123") as client:
        await client.post("/v1/generate", json=greenhouse)
        answer = await client.get(
            "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
        )
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = {f.name: f for f in text_string_to_metric_families(answer.text)}  # type: ignore[no-untyped-call]
    assert families["accelerapp_requests"].type == "counter"
    assert families["accelerapp_build_info"].samples[0].labels["revision"] == "abc123"
    tokens = families["gen_ai_client_token_usage"].samples[0].labels
    assert tokens["gen_ai_provider_name"] == "ollama"
    assert tokens["gen_ai_operation_name"] == "chat"
    assert tokens["gen_ai_token_type"] in {"input", "output"}
    calls, beginnings = (
        {sample.name: sample.value for sample in families[name].samples}
        for name in (
            "gen_ai_client_operation_duration_seconds",
            "gen_ai_client_operation_time_to_first_chunk_seconds",
        )
    )
    name = "gen_ai_client_operation_{}_seconds_{}".format
    assert calls[name("duration", "count")] == beginnings[name("time_to_first_chunk", "count")] == 1
    # The answer begins before it is whole.
    assert 0 < beginnings[name("time_to_first_chunk", "sum")] < calls[name("duration", "sum")]


async def test_the_docs_ask_nothing_of_other_machines(service: Any) -> None:
    async with service() as client:
        page = await client.get("/docs")
        assert (await client.get("/openapi.json")).json()["info"]["title"] == "Accelerapp code generation"
    assert page.status_code == 200
    assert "POST /v1/generate" in page.text
    assert "digital_output" in page.text
    assert "<script" not in page.text
    assert "https://" not in page.text


async def test_one_request_is_one_trace(
    service: Any, greenhouse: dict[str, Any], spans: InMemorySpanExporter
) -> None:
    seen: list[str] = []
    inner = ollama_standin(seconds=(0, 0))

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if scope["path"] == "/api/generate":
            seen.append(headers["traceparent"])
        await inner(scope, receive, send)

    async with service(noting) as client:
        answer = await client.post("/v1/generate", json=greenhouse)
    finished = {span.name: span for span in spans.get_finished_spans()}
    assert finished.keys() == {
        "POST /v1/generate",
        "read specification",
        "generate",
        "validate specification",
        "build prompt",
        "chat qwen2.5-coder:7b",
        "check code",
        "render project",
    }
    ids = {name: span.context.span_id for name, span in finished.items() if span.context}
    parents = {name: span.parent.span_id if span.parent else None for name, span in finished.items()}
    assert parents["POST /v1/generate"] is None
    assert parents["generate"] == ids["POST /v1/generate"]
    assert parents["read specification"] == ids["POST /v1/generate"]
    within = {
        "validate specification",
        "build prompt",
        "chat qwen2.5-coder:7b",
        "check code",
        "render project",
    }
    assert {parents[name] for name in within} == {ids["generate"]}
    chat = finished["chat qwen2.5-coder:7b"]
    assert chat.kind is SpanKind.CLIENT
    assert chat.context is not None
    (traceparent,) = seen
    assert traceparent.startswith(f"00-{answer.json()['trace_id']}-{chat.context.span_id:016x}-")
    assert int(traceparent[-2:], 16) & 1, "the caller's decision to sample must go on"
    told = dict(chat.attributes or {})
    assert told["gen_ai.provider.name"] == "ollama"
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.request.model"] == told["gen_ai.response.model"] == "qwen2.5-coder:7b"
    assert told["gen_ai.response.finish_reasons"] == ("stop",)
    assert isinstance(told["gen_ai.usage.input_tokens"], int)
    assert isinstance(told["gen_ai.usage.output_tokens"], int)
    assert told["gen_ai.usage.output_tokens"] > 100


async def test_the_templates_have_a_span_in_the_place_of_the_model(
    service: Any, greenhouse: dict[str, Any], spans: InMemorySpanExporter
) -> None:
    async with service(backend="templates") as client:
        await client.post("/v1/generate", json=greenhouse)
    names = [span.name for span in spans.get_finished_spans()]
    assert names[1:5] == ["validate specification", "fill templates", "check code", "render project"]


async def test_a_fallback_is_told_by_a_counter_and_on_the_span(
    service: Any, metrics: MetricsCollector, greenhouse: dict[str, Any], spans: InMemorySpanExporter
) -> None:
    async with service(fallback_to_templates=True) as client:
        await client.put("/v1/faults", json={"error_rate": 1}, headers=AUTHORIZED)
        spans.clear()
        await client.post("/v1/generate", json=greenhouse)
    (whole,) = [span for span in spans.get_finished_spans() if span.name == "generate"]
    told = dict(whole.attributes or {})
    assert (told["accelerapp.fallback.from"], told["accelerapp.backend"]) == ("ollama", "templates")
    assert [event.name for event in whole.events] == ["fallback"]
    fallbacks = counter(metrics, "code_generation_fallbacks_total")
    assert fallbacks == {"micropython ollama http_status": 1}


async def test_a_specification_in_yaml_is_the_same_in_json(service: Any, greenhouse: dict[str, Any]) -> None:
    text = io.StringIO()
    YAML(typ="safe").dump(greenhouse, text)
    async with service() as client:
        in_json = await client.post("/v1/generate", json=greenhouse)
        for media_type in ("application/yaml", "text/yaml; charset=utf-8", "application/x-yaml"):
            answer = await client.post(
                "/v1/generate", content=text.getvalue(), headers={"Content-Type": media_type}
            )
            assert answer.json()["project"] == in_json.json()["project"]


YAML_SPECIFICATION = """\
name: pump
board: esp32
peripherals:
  - type: pwm
    id: fan
    pin: 34
sensors:
  - kind: bme280
    id: air
    peripheral: fan
"""


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        (
            YAML_SPECIFICATION,
            [
                ("#/peripherals/0/pin", 6, 10, "input only"),
                ("#/sensors/0/peripheral", 10, 17, "needs a peripheral of type i2c"),
            ],
        ),
        (
            YAML_SPECIFICATION.replace("pin: 34", "pin: many").replace("board: esp32", "board: esp33"),
            [
                ("#/board", 2, 8, "Input should be 'esp32'"),
                ("#/peripherals/0/pin", 6, 10, "valid integer"),
            ],
        ),
        (YAML_SPECIFICATION.replace("    pin: 34\n", ""), [("#/peripherals/0/pin", 4, 5, "Field required")]),
        ("name: [1\n", [("#", 2, 1, "the body is no YAML")]),
        ("a: &x 1\nb: *x\n", [("#", 2, 4, "aliases are not accepted")]),
        ("a: 1\na: 2\n", [("#", 2, 1, "found duplicate key")]),
        ("[" * 40, [("#", 1, 33, "nested more than 32 deep")]),
        # By the rules of 1.1 reading this took three seconds.
        ("%YAML 1.1\n---\na: 1" + ":1" * 120_000, [("#", 2, 1, "YAML 1.2 alone is accepted")]),
        ("%YAML 1.2\n---\na: 1\nb: " + "x " * 3000, [("#", 4, 4, "a value is longer than 4096 characters")]),
        ("!!python/object:os.system x", [("#", 1, 1, "could not determine a constructor")]),
    ],
)
async def test_every_wrong_field_of_yaml_has_its_place(
    service: Any, text: str, errors: list[tuple[str, int, int, str]]
) -> None:
    async with service() as client:
        answer = await client.post("/v1/generate", content=text, headers={"Content-Type": "application/yaml"})
    assert answer.status_code == 422
    told = answer.json()["errors"]
    assert [(one["pointer"], one["line"], one["column"]) for one in told] == [one[:3] for one in errors]
    for one, (*_, expected) in zip(told, errors, strict=True):
        assert expected in one["detail"]


async def test_yaml_that_would_take_long_to_read_is_a_422(service: Any) -> None:
    async with service() as client:
        answer = await client.post(
            "/v1/generate", content=b"- 1\n" * 6_000, headers={"Content-Type": "application/yaml"}
        )
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["detail"], error["line"]) == ("the body has more values than any specification", 4_999)


async def test_json_that_is_nested_too_deeply_is_a_422(service: Any) -> None:
    async with service() as client:
        answer = await client.post(
            "/v1/generate", content=b"[" * 100_000, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 422
    assert "nested too deeply" in answer.json()["errors"][0]["detail"]


async def test_json_with_a_number_that_is_too_long_is_a_422(service: Any) -> None:
    async with service() as client:
        answer = await client.post(
            "/v1/generate", content=b"[" + b"1" * 5000 + b"]", headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "#", "detail": "the body has a number that is too long"}]


async def test_another_media_type_is_a_415(service: Any) -> None:
    async with service() as client:
        answer = await client.post("/v1/generate", content=b"x", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert "send application/json or application/yaml" in answer.json()["detail"]


async def test_what_is_beyond_the_limit_waits_and_what_is_beyond_that_is_refused(
    service: Any, metrics: MetricsCollector, greenhouse: dict[str, Any]
) -> None:
    release = asyncio.Event()
    inner = ollama_standin(seconds=(0, 0))

    async def held(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/api/generate":
            await release.wait()
        await inner(scope, receive, send)

    def gauge(name: str) -> float:
        (value,) = (family.values[0][1] for family in metrics.collect() if family.name == name)
        assert isinstance(value, float | int)
        return value

    async with service(held, max_generations=1, max_waiting=1) as client:
        first = asyncio.create_task(client.post("/v1/generate", json=greenhouse))
        async with asyncio.timeout(10):
            while gauge("generations_in_progress") < 1:
                await asyncio.sleep(0.01)
        second = asyncio.create_task(client.post("/v1/generate", json=greenhouse))
        async with asyncio.timeout(10):
            while gauge("generations_waiting") < 1:
                await asyncio.sleep(0.01)
        refused = await client.post("/v1/generate", json=greenhouse)
        release.set()
        assert [(await one).status_code for one in (first, second)] == [200, 200]
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    assert refused.headers["content-type"] == "application/problem+json"
    assert counter(metrics, "generations_refused_total") == {"busy": 1}
    assert (gauge("generations_in_progress"), gauge("generations_waiting")) == (0, 0)
    assert counter(metrics, "errors_total") == {}


async def test_a_service_that_stops_begins_nothing_and_is_not_ready(
    service: Any, metrics: MetricsCollector, greenhouse: dict[str, Any]
) -> None:
    async with service() as client:
        client._transport.app.state.limiter.drain()
        refused = await client.post("/v1/generate", json=greenhouse)
        ready = await client.get("/ready")
        assert (await client.get("/health")).status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert (ready.status_code, ready.json()["stopping"]) == (503, True)
    assert counter(metrics, "generations_refused_total") == {"stopping": 1}


async def test_platforms_tell_what_a_specification_may_name(service: Any) -> None:
    async with service() as client:
        told = (await client.get("/v1/platforms")).json()
    assert [one["id"] for one in told["platforms"]] == ["micropython", "arduino"]
    boards = {board["id"]: board for board in told["boards"]}
    assert boards.keys() == {"esp32", "esp32c3", "pico"}
    assert boards["pico"]["adc"] == [26, 27, 28]
    assert boards["pico"]["i2c"][0]["pins"]["sda"][0] == 0
    kinds = {sensor["kind"]: sensor for sensor in told["sensors"]}
    assert kinds["bme280"]["peripheral"] == "i2c"


async def test_slow_health_checks_fail_for_their_time_limit(service: Any) -> None:
    async with service(ollama_connect_timeout=0.05, health_interval=0.05) as client:
        await client.put("/v1/faults", json={"health_delay_seconds": 30}, headers=AUTHORIZED)
        async with asyncio.timeout(10):
            while (ready := await client.get("/ready")).status_code != 503:
                await asyncio.sleep(0.02)
    assert ready.json()["checks"][0]["name"] == "model_backend"


def test_memory_grows_to_its_limit_and_is_given_back() -> None:
    switch = FaultSwitch()
    growth = MemoryGrowth(switch)
    switch.faults = Faults(memory_growth_mb_per_second=4, memory_limit_mb=3)
    growth.tick(0.5)
    assert growth.held_bytes == 2_000_000
    growth.tick(0.5)
    growth.tick(0.5)
    assert growth.held_bytes == 3_000_000
    switch.faults = Faults()
    growth.tick(0.1)
    assert growth.held_bytes == 0


async def test_a_failed_call_marks_its_spans(
    service: Any, greenhouse: dict[str, Any], spans: InMemorySpanExporter
) -> None:
    async with service() as client:
        await client.put("/v1/faults", json={"error_rate": 1}, headers=AUTHORIZED)
        spans.clear()
        await client.post("/v1/generate", json=greenhouse)
    status = {span.name: span.status.status_code for span in spans.get_finished_spans()}
    assert status["chat qwen2.5-coder:7b"] is StatusCode.ERROR
    assert status["generate"] is StatusCode.ERROR
    assert status["POST /v1/generate"] is StatusCode.ERROR
    assert status["validate specification"] is StatusCode.UNSET


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERAPP_CODEGEN_PORT", "9999")
    monkeypatch.setenv("ACCELERAPP_CODEGEN_FAULT_TOKEN", "from-environment")
    monkeypatch.setenv("ACCELERAPP_REVISION", "f00")
    settings = CodegenSettings()
    assert (settings.port, settings.revision, settings.fallback_to_templates) == (9999, "f00", False)
    assert "from-environment" not in repr(settings)
