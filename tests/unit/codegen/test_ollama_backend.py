"""Calls of a model: what is asked, how the stream is read, and why a call failed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from accelerapp.codegen import GenerationError, HardwareSpecification, ollama_standin
from accelerapp.codegen.metrics import ModelMetrics
from accelerapp.codegen.ollama import OllamaBackend
from accelerapp.codegen.platforms import PLATFORMS
from accelerapp.codegen.prompt import build_prompt, specification_in
from accelerapp.monitoring import MetricsCollector

MODEL = "qwen2.5-coder:7b"


def lines(*records: dict[str, Any] | str) -> bytes:
    return b"".join((r if isinstance(r, str) else json.dumps(r)).encode() + b"\n" for r in records)


ANSWER = json.dumps({"files": [{"path": "main.py", "content": "pass"}]})
DONE = {"model": MODEL, "done": True, "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 22}


def backend(
    handler: Callable[[httpx.Request], Any], metrics: MetricsCollector | None = None, **more: Any
) -> OllamaBackend:
    transport = httpx.MockTransport(handler)
    model_metrics = ModelMetrics(metrics or MetricsCollector(), MODEL)
    return OllamaBackend("http://ollama:11434", MODEL, model_metrics, transport=transport, **more)


@pytest.fixture
def spec(greenhouse: dict[str, Any]) -> HardwareSpecification:
    return HardwareSpecification.model_validate(greenhouse)


async def failure(made: OllamaBackend, spec: HardwareSpecification) -> GenerationError:
    try:
        with pytest.raises(GenerationError) as caught:
            await made.generate(spec)
    finally:
        await made.close()
    return caught.value


def test_the_specification_can_be_read_back_from_the_prompt(example: dict[str, Any]) -> None:
    spec = HardwareSpecification.model_validate(example)
    assert specification_in(build_prompt(spec)) == spec


@pytest.mark.parametrize("prompt", ["", "<specification>{}", "<specification>{</specification>"])
def test_a_prompt_without_one_is_told(prompt: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        specification_in(prompt)


async def test_the_request_is_ollamas_and_the_chunks_are_put_together(spec: HardwareSpecification) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        parts = [{"response": ANSWER[:5], "done": False}, {"response": ANSWER[5:], "done": False}, DONE]
        return httpx.Response(200, content=lines(*parts))

    metrics = MetricsCollector()
    made = backend(handle, metrics)
    project = await made.generate(spec)
    await made.close()
    assert [file.path for file in project.files] == ["main.py"]
    (request,) = seen
    assert str(request.url) == "http://ollama:11434/api/generate"
    body = json.loads(request.content)
    assert (body["model"], body["stream"]) == (MODEL, True)
    assert body["format"]["properties"].keys() == {"files"}
    histograms = metrics.get_all_metrics()["histograms"]
    tokens = {name: h["sum"] for name, h in histograms.items() if "token_type" in name}
    assert sorted(tokens.values()) == [11, 22]
    assert sum(h["count"] for name, h in histograms.items() if 'error_type=""' in name) == 1


async def _slow(seconds: float) -> AsyncIterator[bytes]:
    yield lines({"response": "{", "done": False})
    await asyncio.sleep(seconds)


def raising(error: type[httpx.HTTPError]) -> Callable[[httpx.Request], httpx.Response]:
    def handle(request: httpx.Request) -> httpx.Response:
        raise error("as it would")

    return handle


def answering(content: bytes, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, content=content)


@pytest.mark.parametrize(
    ("handler", "reason", "message"),
    [
        (raising(httpx.ConnectError), "unreachable", "cannot be reached: as it would"),
        (raising(httpx.RemoteProtocolError), "unreachable", "cannot be reached"),
        (raising(httpx.ConnectTimeout), "timeout", "connecting to Ollama took too long"),
        (raising(httpx.ReadTimeout), "timeout", "sent nothing for too long"),
        (answering(b'{"error":"model not found"}', 404), "http_status", "status 404"),
        (answering(b"oops", 500), "http_status", "status 500: oops"),
        (answering(b"", 301), "http_status", "status 301"),
        (answering(lines({"error": "out of memory"})), "model_error", "Ollama: out of memory"),
        (answering(lines("no json")), "malformed_response", "is no JSON: 'no json'"),
        (answering(lines("[1]")), "malformed_response", "no JSON object"),
        (answering(lines({"response": 5})), "malformed_response", "is no text"),
        (
            answering(lines({"response": ANSWER, "done": False})),
            "malformed_response",
            "ended before it was done",
        ),
        (answering(b""), "malformed_response", "ended before it was done"),
        (answering(lines({"response": "Sure! Here"}, DONE)), "malformed_response", "no project: the whole"),
        (answering(lines({"response": '{"files": []}'}, DONE)), "malformed_response", "no project: files"),
        (
            answering(lines({"response": '{"files": [{"path": "../x.py", "content": ""}]}'}, DONE)),
            "malformed_response",
            "no project: files.0.path",
        ),
        (
            answering(lines({"response": ANSWER}, {**DONE, "done_reason": "length"})),
            "malformed_response",
            "cut off at the model's length limit",
        ),
        (answering(lines(*[{"response": "x" * 500_000}] * 5)), "malformed_response", "longer than"),
    ],
)
async def test_each_failure_has_its_reason(
    spec: HardwareSpecification, handler: Any, reason: str, message: str
) -> None:
    metrics = MetricsCollector()
    error = await failure(backend(handler, metrics), spec)
    assert (error.reason, message in str(error)) == (reason, True), str(error)


def failing(times: int, status: int = 503, retry_after: str = "0") -> tuple[list[float], Any]:
    """Return when calls came, and a server that answers the first `times` of them with an error."""
    came: list[float] = []

    def handle(request: httpx.Request) -> httpx.Response:
        came.append(asyncio.get_running_loop().time())
        if len(came) <= times:
            if status == 0:
                raise httpx.ConnectError("refused")
            return httpx.Response(status, headers={"Retry-After": retry_after}, content=b"busy")
        return httpx.Response(200, content=lines({"response": ANSWER}, DONE))

    return came, handle


@pytest.mark.parametrize("status", [0, 429, 502, 503, 504])
async def test_a_passing_failure_is_tried_again(spec: HardwareSpecification, status: int) -> None:
    came, handle = failing(2, status)
    metrics = MetricsCollector()
    made = backend(handle, metrics)
    assert (await made.generate(spec)).files[0].path == "main.py"
    await made.close()
    assert len(came) == 3
    assert metrics.get_all_metrics()["counters"]["model_retries_total"] == 2


async def test_retries_end(spec: HardwareSpecification) -> None:
    came, handle = failing(9)
    error = await failure(backend(handle, retries=1), spec)
    assert (error.reason, len(came)) == ("http_status", 2)


@pytest.mark.parametrize("status", [400, 404, 500])
async def test_what_will_not_pass_is_not_tried_again(spec: HardwareSpecification, status: int) -> None:
    came, handle = failing(9, status)
    await failure(backend(handle), spec)
    assert len(came) == 1


async def test_the_server_says_when_to_come_again(spec: HardwareSpecification) -> None:
    came, handle = failing(1, retry_after="1")
    made = backend(handle)
    await made.generate(spec)
    await made.close()
    assert came[1] - came[0] >= 1


async def test_a_pause_beyond_the_whole_time_is_not_begun(spec: HardwareSpecification) -> None:
    came, handle = failing(1, retry_after="20")
    async with asyncio.timeout(10):
        error = await failure(backend(handle, timeout=5), spec)
    assert (error.reason, len(came)) == ("http_status", 1)


async def test_an_answer_that_broke_off_is_not_asked_for_again(spec: HardwareSpecification) -> None:
    calls = 0

    async def broken() -> AsyncIterator[bytes]:
        yield lines({"response": "{", "done": False})
        raise httpx.ReadError("reset")

    def handle(request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return httpx.Response(200, content=broken())

    error = await failure(backend(handle), spec)
    assert (error.reason, calls) == ("unreachable", 1)


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65_536
        await asyncio.sleep(0)


@pytest.mark.parametrize(("status", "reason"), [(200, "malformed_response"), (500, "http_status")])
async def test_an_answer_without_end_is_not_kept(
    spec: HardwareSpecification, status: int, reason: str
) -> None:
    made = backend(lambda request: httpx.Response(status, content=_endless()), timeout=20)
    assert (await failure(made, spec)).reason == reason


async def test_an_answer_that_takes_too_long_in_all_is_a_timeout(spec: HardwareSpecification) -> None:
    metrics = MetricsCollector()
    made = backend(lambda request: httpx.Response(200, content=_slow(30)), metrics, timeout=0.05)
    error = await failure(made, spec)
    assert (error.reason, str(error)) == ("timeout", "the model was not done after 0.05 s")
    histograms = metrics.get_all_metrics()["histograms"]
    assert sum(h["count"] for name, h in histograms.items() if 'error_type="timeout"' in name) == 1


@pytest.mark.parametrize("model", [MODEL, "llama3"])
async def test_the_check_passes_where_the_model_is_there(model: str) -> None:
    tags = {"models": [{"name": MODEL}, {"name": "llama3:latest"}]}
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=tags))
    made = OllamaBackend("http://o", model, ModelMetrics(MetricsCollector(), model), transport=transport)
    await made.check()
    await made.close()


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answering(b'{"models": []}'), "model_error"),
        (answering(b"{}"), "malformed_response"),
        (answering(b"<html>"), "malformed_response"),
        (answering(b"", 500), "http_status"),
        (raising(httpx.ConnectError), "unreachable"),
        (raising(httpx.ReadTimeout), "timeout"),
    ],
)
async def test_the_check_says_why_not(handler: Any, reason: str) -> None:
    made = backend(handler)
    with pytest.raises(GenerationError) as caught:
        await made.check()
    await made.close()
    assert caught.value.reason == reason


async def test_the_standin_streams_a_project_that_passes(example: dict[str, Any]) -> None:
    spec = HardwareSpecification.model_validate(example)
    app = ollama_standin(seed=3, seconds=(0, 0))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://o") as client:
        answer = await client.post("/api/generate", json={"model": MODEL, "prompt": build_prompt(spec)})
        records = [json.loads(line) for line in answer.text.splitlines()]
        whole = await client.post(
            "/api/generate", json={"model": MODEL, "prompt": build_prompt(spec), "stream": False}
        )
        assert (await client.get("/api/version")).json().keys() == {"version"}
        assert [m["name"] for m in (await client.get("/api/tags")).json()["models"]] == [MODEL]
    assert answer.headers["content-type"] == "application/x-ndjson"
    text = "".join(record["response"] for record in records)
    assert text == whole.json()["response"] == PLATFORMS[spec.platform].render(spec).model_dump_json()
    assert [record["done"] for record in records].count(True) == 1
    assert records[-1]["eval_count"] == len(records) - 1
    assert records[-1]["prompt_eval_count"] > 100


@pytest.mark.parametrize(
    ("body", "status"), [({"model": "other", "prompt": "x"}, 404), ({"model": MODEL}, 400), ([], 400)]
)
async def test_the_standin_refuses_as_ollama_does(body: Any, status: int) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(ollama_standin()), base_url="http://o"
    ) as client:
        answer = await client.post("/api/generate", json=body)
    assert (answer.status_code, "error" in answer.json()) == (status, True)
