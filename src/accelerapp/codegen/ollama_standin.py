"""A stand-in for a model server, which cannot be had on a laptop without a download of gigabytes.

It speaks the part of Ollama's HTTP API that the service uses (`POST /api/generate`, `GET /api/tags`, `GET
/api/version`), streams like a model, and answers with real code: the template project for the specification
that the prompt holds. What it answers goes through the same checks as a model's answer.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from accelerapp.codegen.platforms import PLATFORMS
from accelerapp.codegen.project import Project
from accelerapp.codegen.prompt import specification_in
from accelerapp.codegen.settings import CodegenSettings

DEFAULT_MODEL: str = CodegenSettings.model_fields["ollama_model"].default

#: About how many characters of code a token of today's models holds.
_CHARACTERS_PER_TOKEN = 3.6


def ollama_standin(
    seed: int | None = None,
    *,
    models: tuple[str, ...] = (DEFAULT_MODEL,),
    answer: Callable[[str], Project | str] | None = None,
    seconds: tuple[float, float] = (0.05, 0.35),
) -> Starlette:
    """Return the stand-in as an ASGI application.

    Args:
        seed: Makes latencies and chunk sizes repeatable.
        models: The names that it has.
        answer: Makes the answer to a prompt; by default the template project of the prompt's specification.
        seconds: Least and most time that an answer takes.
    """
    rng = random.Random(seed)  # noqa: S311 - varies latencies, guards nothing

    async def generate(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            model, prompt = str(body["model"]), str(body["prompt"])
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "missing request body"}, status_code=400)
        if model not in models:
            return JSONResponse({"error": f"model '{model}' not found"}, status_code=404)
        try:
            made = answer(prompt) if answer else _template_project(prompt)
        except (ValueError, ValidationError) as exc:
            # A model would answer something all the same; saying so in prose is what comes nearest.
            made = f"I need a hardware specification to write code: {exc}"
        text = made if isinstance(made, str) else made.model_dump_json()
        stream = _stream(model, prompt, text, rng.uniform(*seconds), random.Random(rng.random()))  # noqa: S311
        if body.get("stream", True):
            return StreamingResponse(stream, media_type="application/x-ndjson")
        return JSONResponse(await _collected(stream))

    async def tags(_: Request) -> Response:
        entries = [
            {"name": name, "model": name, "modified_at": _now(), "size": 0, "details": {}} for name in models
        ]
        return JSONResponse({"models": entries})

    async def version(_: Request) -> Response:
        return JSONResponse({"version": "0.0.0-standin"})

    return Starlette(
        routes=[
            Route("/api/generate", generate, methods=["POST"]),
            Route("/api/tags", tags),
            Route("/api/version", version),
        ]
    )


def _template_project(prompt: str) -> Project:
    spec = specification_in(prompt)
    return PLATFORMS[spec.platform].render(spec)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _tokens(text: str, rng: random.Random) -> list[str]:
    """Cut a text into pieces of the length that tokens have."""
    pieces, position = [], 0
    while position < len(text):
        length = max(1, round(rng.gauss(_CHARACTERS_PER_TOKEN, 1.5)))
        pieces.append(text[position : position + length])
        position += length
    return pieces


async def _stream(
    model: str, prompt: str, text: str, seconds: float, rng: random.Random
) -> AsyncIterator[bytes]:
    started = time.perf_counter_ns()
    pieces = _tokens(text, rng)
    # Reading the prompt takes the first part; then tokens come, in bursts as the network delivers them.
    await asyncio.sleep(seconds * 0.3)
    prompt_read = time.perf_counter_ns()
    bursts = 8
    size = max(1, -(-len(pieces) // bursts))
    for start in range(0, len(pieces), size):
        await asyncio.sleep(seconds * 0.7 / bursts)
        for piece in pieces[start : start + size]:
            yield _line({"model": model, "created_at": _now(), "response": piece, "done": False})
    ended = time.perf_counter_ns()
    yield _line(
        {
            "model": model,
            "created_at": _now(),
            "response": "",
            "done": True,
            "done_reason": "stop",
            "total_duration": ended - started,
            "load_duration": 0,
            "prompt_eval_count": max(1, round(len(prompt) / _CHARACTERS_PER_TOKEN)),
            "prompt_eval_duration": prompt_read - started,
            "eval_count": len(pieces),
            "eval_duration": ended - prompt_read,
        }
    )


async def _collected(stream: AsyncIterator[bytes]) -> dict[str, Any]:
    """Return the one object that Ollama answers where no stream is asked for."""
    parts: list[str] = []
    record: dict[str, Any] = {}
    async for line in stream:
        record = json.loads(line)
        parts.append(record["response"])
    return {**record, "response": "".join(parts)}
