"""Projects written by a model that Ollama serves, over its HTTP API (`POST /api/generate`, streamed)."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from accelerapp.codegen.backend import GenerationError
from accelerapp.codegen.metrics import OPERATION, PROVIDER, ModelMetrics
from accelerapp.codegen.project import Project
from accelerapp.codegen.prompt import SYSTEM, answer_schema, build_prompt
from accelerapp.codegen.specification import HardwareSpecification
from accelerapp.observability import inject_headers, trace_block

_MAX_ANSWER = 2_000_000


@dataclass(slots=True)
class _Answer:
    """What has arrived of one streamed answer."""

    parts: list[str] = field(default_factory=list)
    size: int = 0
    first_chunk_at: float | None = None
    final: dict[str, Any] | None = None

    def take(self, line: str) -> None:
        try:
            record = json.loads(line)
        except ValueError:
            raise GenerationError(
                "malformed_response", f"a line of the answer is no JSON: {line[:80]!r}"
            ) from None
        if not isinstance(record, dict):
            raise GenerationError("malformed_response", "a line of the answer is no JSON object")
        if "error" in record:
            raise GenerationError("model_error", f"Ollama: {str(record['error'])[:200]}")
        part = record.get("response", "")
        if not isinstance(part, str):
            raise GenerationError("malformed_response", "the field response of the answer is no text")
        if part and self.first_chunk_at is None:
            self.first_chunk_at = time.perf_counter()
        self.size += len(part)
        if self.size > _MAX_ANSWER:
            raise GenerationError("malformed_response", f"the answer is longer than {_MAX_ANSWER} characters")
        self.parts.append(part)
        if record.get("done") is True:
            self.final = record

    def count(self, key: str) -> int:
        value = (self.final or {}).get(key, 0)
        return value if isinstance(value, int) and value >= 0 else 0


class OllamaBackend:
    """Asks a model for the project, as JSON that fits a schema.

    Args:
        url: Base URL of Ollama.
        model: Name of the model, as `ollama list` shows it.
        metrics: Where tokens and durations are counted.
        transport: What carries the requests.
        connect_timeout: Seconds.
        read_timeout: Seconds between two chunks.
        timeout: Seconds for the whole answer.
    """

    name = "ollama"

    def __init__(
        self,
        url: str,
        model: str,
        metrics: ModelMetrics,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        connect_timeout: float = 5.0,
        read_timeout: float = 60.0,
        timeout: float = 110.0,
    ) -> None:
        self.model = model
        self._metrics = metrics
        self._timeout = timeout
        parts = urlsplit(url)
        self._server = {
            "server.address": parts.hostname or "",
            "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        }
        self._client = httpx.AsyncClient(
            base_url=url,
            transport=transport,
            timeout=httpx.Timeout(read_timeout, connect=connect_timeout),
            trust_env=False,
        )

    async def generate(self, spec: HardwareSpecification) -> Project:
        """Return what the model wrote; raises GenerationError."""
        attributes = {
            "gen_ai.operation.name": OPERATION,
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.request.model": self.model,
            "gen_ai.request.stream": True,
            "gen_ai.output.type": "json",
            **self._server,
        }
        answer = _Answer()
        started = time.perf_counter()
        error_type = ""
        with trace_block(f"{OPERATION} {self.model}", attributes, kind="client") as span:
            try:
                await self._ask(spec, answer)
            except GenerationError as exc:
                error_type = exc.reason
                span.set_attribute("error.type", exc.reason)
                raise
            except asyncio.CancelledError:
                error_type = "cancelled"
                raise
            finally:
                self._metrics.took(time.perf_counter() - started, error_type)
                if answer.first_chunk_at is not None:
                    waited = answer.first_chunk_at - started
                    self._metrics.began(waited)
                    span.set_attribute("gen_ai.response.time_to_first_chunk", waited)
            tokens = answer.count("prompt_eval_count"), answer.count("eval_count")
            self._metrics.used(*tokens)
            final = answer.final or {}
            span.set_attribute("gen_ai.response.model", str(final.get("model", self.model)))
            span.set_attribute("gen_ai.response.finish_reasons", [str(final.get("done_reason", "stop"))])
            span.set_attribute("gen_ai.usage.input_tokens", tokens[0])
            span.set_attribute("gen_ai.usage.output_tokens", tokens[1])
        return _project("".join(answer.parts), str(final.get("done_reason", "stop")))

    async def _ask(self, spec: HardwareSpecification, answer: _Answer) -> None:
        body = {
            "model": self.model,
            "system": SYSTEM,
            "prompt": build_prompt(spec),
            "format": answer_schema(),
            "stream": True,
            "options": {"temperature": 0},
        }
        headers: dict[str, str] = {}
        inject_headers(headers)
        try:
            async with (
                asyncio.timeout(self._timeout),
                self._client.stream("POST", "/api/generate", json=body, headers=headers) as response,
            ):
                await _expect_success(response)
                async for line in response.aiter_lines():
                    if line.strip():
                        answer.take(line)
        except (TimeoutError, httpx.TimeoutException) as exc:
            raise GenerationError("timeout", _timeout_message(exc, self._timeout)) from exc
        except httpx.TransportError as exc:
            raise GenerationError("unreachable", f"Ollama cannot be reached: {exc}") from exc
        except httpx.HTTPError as exc:
            raise GenerationError("malformed_response", f"Ollama's answer cannot be read: {exc}") from exc
        if answer.final is None:
            raise GenerationError("malformed_response", "the answer ended before it was done")

    async def check(self) -> None:
        """Return where Ollama answers and has the model."""
        try:
            response = await self._client.get("/api/tags")
            await _expect_success(response)
            models = response.json()["models"]
            names = {str(model["name"]) for model in models}
        except httpx.TimeoutException as exc:
            raise GenerationError("timeout", _timeout_message(exc, self._timeout)) from exc
        except httpx.TransportError as exc:
            raise GenerationError("unreachable", f"Ollama cannot be reached: {exc}") from exc
        except (ValueError, KeyError, TypeError) as exc:
            raise GenerationError(
                "malformed_response", "/api/tags answers otherwise than Ollama does"
            ) from exc
        if not names & {self.model, f"{self.model}:latest"}:
            raise GenerationError(
                "model_error", f"Ollama has no model {self.model}; run: ollama pull {self.model}"
            )

    async def close(self) -> None:
        await self._client.aclose()


async def _expect_success(response: httpx.Response) -> None:
    if response.status_code == 200:
        return
    text = (await response.aread())[:200].decode("utf-8", "replace").strip()
    raise GenerationError("http_status", f"Ollama answered with status {response.status_code}: {text}")


def _timeout_message(error: Exception, whole: float) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return "connecting to Ollama took too long"
    if isinstance(error, httpx.TimeoutException):
        return "Ollama sent nothing for too long"
    return f"the model was not done after {whole:g} s"


def _project(text: str, done_reason: str) -> Project:
    if done_reason == "length":
        raise GenerationError("malformed_response", "the answer was cut off at the model's length limit")
    try:
        return Project.model_validate_json(text)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise GenerationError(
            "malformed_response", f"the model's answer is no project: {where}: {first['msg']}"
        ) from exc
