"""Projects written by a model that Ollama serves, over its HTTP API (`POST /api/generate`, streamed)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential_jitter,
)

from accelerapp.codegen.backend import GenerationError
from accelerapp.codegen.metrics import OPERATION, PROVIDER, ModelMetrics
from accelerapp.codegen.project import Project
from accelerapp.codegen.prompt import answer_schema, build_prompt, system_prompt
from accelerapp.codegen.specification import HardwareSpecification
from accelerapp.monitoring import get_logger
from accelerapp.observability import current_span, inject_headers, trace_block

_logger = get_logger("accelerapp.codegen")

_MAX_ANSWER = 2_000_000
#: What a server answers that is there and cannot take the request now.
_BUSY_STATUSES = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE = 30
_BACKOFF = wait_exponential_jitter(multiplier=0.25, max=4.0, jitter=0.25)


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

    @property
    def done_reason(self) -> str:
        return str((self.final or {}).get("done_reason", "stop"))

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
        timeout: Seconds for the whole answer, all attempts together.
        retries: Further attempts where Ollama cannot be reached, or says that it is busy.
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
        retries: int = 2,
    ) -> None:
        self.model = model
        self._metrics = metrics
        self._timeout = timeout
        self._retries = retries
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
        with trace_block("build prompt") as span:
            prompt = build_prompt(spec)
            body: dict[str, Any] = {
                "model": self.model,
                "system": system_prompt(spec),
                "prompt": prompt,
                "format": answer_schema(),
                "stream": True,
                "options": {"temperature": 0},
            }
            span.set_attribute("accelerapp.prompt.characters", len(prompt))
        deadline = asyncio.get_running_loop().time() + self._timeout
        attempts = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, GenerationError) and error.passing),
            stop=stop_after_attempt(1 + self._retries) | stop_before_delay(self._timeout),
            wait=_pause,
            before_sleep=self._note_retry,
            reraise=True,
        )
        answer = _Answer()
        async for attempt in attempts:
            with attempt:
                answer = await self._call(body, deadline, attempt.retry_state.attempt_number)
        return _project("".join(answer.parts), answer.done_reason)

    def _note_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        assert isinstance(error, GenerationError)
        pause = state.next_action.sleep if state.next_action else 0.0
        self._metrics.again(error.reason)
        current_span().add_event("retry", {"error.type": error.reason, "accelerapp.pause_seconds": pause})
        _logger.warning(
            "the model is called again in %.1f s: %s",
            pause,
            error,
            extra={"extra_fields": {"reason": error.reason, "attempt": state.attempt_number}},
        )

    async def _call(self, body: dict[str, Any], deadline: float, attempt: int) -> _Answer:
        """Call the model once; `deadline` is by the clock of the event loop."""
        attributes = {
            "gen_ai.operation.name": OPERATION,
            "gen_ai.provider.name": PROVIDER,
            "gen_ai.request.model": self.model,
            "gen_ai.request.stream": True,
            "gen_ai.request.temperature": 0.0,
            "gen_ai.output.type": "json",
            **self._server,
        }
        if attempt > 1:
            attributes["accelerapp.attempt"] = attempt
        answer = _Answer()
        started = time.perf_counter()
        error_type = ""
        with trace_block(f"{OPERATION} {self.model}", attributes, kind="client") as span:
            try:
                await self._ask(body, answer, deadline)
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
            span.set_attribute("gen_ai.response.finish_reasons", [answer.done_reason])
            span.set_attribute("gen_ai.usage.input_tokens", tokens[0])
            span.set_attribute("gen_ai.usage.output_tokens", tokens[1])
        return answer

    async def _ask(self, body: dict[str, Any], answer: _Answer, deadline: float) -> None:
        headers: dict[str, str] = {}
        inject_headers(headers)
        try:
            async with (
                asyncio.timeout_at(deadline),
                self._client.stream("POST", "/api/generate", json=body, headers=headers) as response,
            ):
                await _expect_success(response)
                async for line in _lines(response):
                    if line.strip():
                        answer.take(line)
        except (TimeoutError, httpx.TimeoutException) as exc:
            raise GenerationError("timeout", _timeout_message(exc, self._timeout)) from exc
        except httpx.TransportError as exc:
            # An answer that had begun cost the model its time already; asking again would double it.
            passing = answer.first_chunk_at is None
            raise GenerationError("unreachable", f"Ollama cannot be reached: {exc}", passing=passing) from exc
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
    # The beginning is enough to tell; the whole may be without end.
    text = (await anext(response.aiter_bytes(), b""))[:200].decode("utf-8", "replace").strip()
    raise GenerationError(
        "http_status",
        f"Ollama answered with status {response.status_code}: {text}",
        passing=response.status_code in _BUSY_STATUSES,
        retry_after=_retry_after(response),
    )


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """Yield the lines of an answer as they come; httpx's own keep a line that never ends."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
        if len(rest) > _MAX_ANSWER:
            raise GenerationError("malformed_response", f"a line is longer than {_MAX_ANSWER} bytes")
    yield rest.decode("utf-8", "replace")


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds of a Retry-After header, which may also be a date; None without a usable one."""
    given = response.headers.get("retry-after", "").strip()
    if given.isdecimal():
        return float(min(int(given), _LONGEST_PAUSE))
    try:
        seconds = parsedate_to_datetime(given).timestamp() - time.time()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), _LONGEST_PAUSE)


def _pause(state: RetryCallState) -> float:
    """Return the seconds before the next attempt: what the backend asked for, else ever longer ones."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, GenerationError) and error.retry_after is not None:
        return error.retry_after
    return float(_BACKOFF(state))


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
