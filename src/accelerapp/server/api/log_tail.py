"""Log lines as they arrive, as server-sent events.

Each event `lines` has a list of lines. One that cannot keep up gets an event `missed` with how many were left out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from accelerapp.server.api.answer import json_response, own
from accelerapp.server.api.log_query import line, log_query
from accelerapp.server.api.parameters import parameters
from accelerapp.server.api.query_threads import QueueFullError
from accelerapp.server.api.services import Services
from accelerapp.server.storage import Condition, ReadTimeoutError, condition_of

MOST_TAILS: Final = 16
#: Seconds after which an idle connection is written to, so that nobody between takes it for dead.
_IDLE_SECONDS = 15.0
#: Seconds between two looks at what arrived: lines that come one by one are not looked at one by one.
_PAUSE_SECONDS = 0.1


def tail_route(services: Services, path: str) -> Route:
    """Return the route that follows log lines; it ends with the observatory."""
    followed: set[object] = set()

    async def tail(request: Request) -> Any:
        query = log_query(await parameters(request), services.clock())
        if len(followed) >= MOST_TAILS:
            message = f"{MOST_TAILS} readers follow the log lines already: close one of them"
            return json_response({"error": message}, 503)
        return StreamingResponse(
            events(condition_of(replace(query, before=None))),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def events(condition: Condition) -> AsyncIterator[bytes]:
        arrived, loop, me = asyncio.Event(), asyncio.get_running_loop(), object()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before its readers were told
                loop.call_soon_threadsafe(arrived.set)

        def look() -> list[bytes]:
            lines, missed = following.take()
            told = [_event("missed", {"lines": missed})] if missed else []
            return [*told, _event("lines", [line(record) for record in lines])] if lines else told

        following = services.logs.follow(condition, wake)
        followed.add(me)
        try:
            yield b": following\n\n"
            while await _either(arrived, services.stopping):
                if not arrived.is_set():
                    yield b": idle\n\n"
                    continue
                arrived.clear()
                try:
                    seen = await services.in_query_thread(look)
                except ReadTimeoutError as error:
                    yield _event("failed", {"error": str(error)})
                    return
                except QueueFullError:
                    seen = []
                    arrived.set()  # to be looked at again
                for event in seen:
                    yield event
                await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            following.close()
            followed.discard(me)

    return Route(path, own(tail))


async def _either(arrived: asyncio.Event, stopping: asyncio.Event) -> bool:
    """Wait until something arrived or it is long enough; False once the observatory stops."""
    waiting = [asyncio.ensure_future(one.wait()) for one in (arrived, stopping)]
    try:
        await asyncio.wait(waiting, timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
    return not stopping.is_set()


def _event(name: str, data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data))
