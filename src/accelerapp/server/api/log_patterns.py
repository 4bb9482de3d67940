"""The patterns of the log lines that a search finds, and which of them are new."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.api.answer import json_response, own
from accelerapp.server.api.log_query import NS_PER_MS, line, log_query
from accelerapp.server.api.parameters import ParameterError, limit, parameters
from accelerapp.server.api.services import Services
from accelerapp.server.logs import Mined, Pattern, mine
from accelerapp.server.storage import LogQuery

#: Of a range, and of the time before it, the newest so many lines are looked at.
MOST_LINES: Final = 10_000
#: Seconds after which no more lines are looked at; reading them has the time-out of every query.
_MINING_SECONDS = 5.0
_SERVICES = 3


def patterns_route(services: Services, path: str) -> Route:
    """Return the route that tells the patterns of log lines."""

    async def patterns(request: Request) -> Any:
        values = await parameters(request)
        for name in ("start_ms", "end_ms"):
            if not values.get(name):
                raise ParameterError(f'parameter "{name}" is missing: patterns are of a time range')
        most = limit(values, 100, 1000)
        query = replace(log_query(values, services.clock()), limit=MOST_LINES, before=None)
        return await services.in_query_thread(read, query, most)

    def read(query: LogQuery, most: int) -> Response:
        page = services.logs.page(query)
        found = page.records
        # The time before, for as long as the range.
        earlier = replace(
            query,
            start_ns=max(0, query.start_ns - (query.end_ns - query.start_ns)),
            end_ns=max(0, query.start_ns - 1),
        )
        start = found[-1].time_ns if page.more else query.start_ns
        ends_at = time.monotonic() + _MINING_SECONDS
        mined = mine(
            found, services.logs.search(earlier), (start, query.end_ns), lambda: time.monotonic() > ends_at
        )
        return json_response(
            {
                "lines": mined.lines,
                "more": mined.lines < len(found) or page.more,
                "earlier": mined.earlier,
                "start_ms": start / NS_PER_MS,
                "end_ms": query.end_ns / NS_PER_MS,
                "found": len(mined.patterns),
                "patterns": [_pattern(one, mined) for one in mined.patterns[:most]],
            }
        )

    return Route(path, own(patterns))


def _pattern(one: Pattern, mined: Mined) -> dict[str, Any]:
    return {
        "pattern": one.text,
        "lines": one.lines,
        "share": one.lines / mined.lines,
        "levels": dict(one.levels),
        "services": dict(one.services.most_common(_SERVICES)),
        "counts": one.counts,
        # Without lines before nothing can be told to be new.
        "new": mined.earlier > 0 and not one.known,
        "example": line(one.example),
    }
