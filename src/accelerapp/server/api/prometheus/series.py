"""Series and their labels in Prometheus' API."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.api.answer import Annotated, prometheus, success
from accelerapp.server.api.parameters import ParameterError, parameters
from accelerapp.server.api.prometheus.selectors import (
    GET_AND_POST,
    cut,
    limit_parameter,
    matcher_sets,
    milliseconds,
    named_sets,
)
from accelerapp.server.api.services import Services
from accelerapp.server.promql import Annotations

_ESCAPED = re.compile(r"U__(?:[^_]|__|_[0-9A-Fa-f]{1,6}_)*")
_ESCAPE = re.compile(r"_(?:([0-9A-Fa-f]{1,6})_|_)")


def routes(services: Services) -> list[Route]:
    """Return the routes of series and labels."""

    async def series(request: Request) -> Response:
        values = await parameters(request)
        if not values.getlist("match[]"):
            raise ParameterError("no match[] parameter provided")
        limit, times, sets = limit_parameter(values), milliseconds(values), named_sets(values)

        def read() -> Response:
            found, warnings = cut(services.metrics.series(sets, *times), limit)
            return success(_told([dict(labels) for labels in found], warnings))

        return await services.in_query_thread(read)

    async def labels(request: Request) -> Response:
        values = await parameters(request)
        limit, times, sets = limit_parameter(values), milliseconds(values), matcher_sets(values)

        def read() -> Response:
            return success(_told(*cut(services.metrics.label_names(sets, *times), limit)))

        return await services.in_query_thread(read)

    async def label_values(request: Request) -> Response:
        values = await parameters(request)
        name = _unescaped(request.path_params["name"])
        limit, times, sets = limit_parameter(values), milliseconds(values), matcher_sets(values)

        def read() -> Response:
            return success(_told(*cut(services.metrics.label_values(name, sets, *times), limit)))

        return await services.in_query_thread(read)

    return [
        Route("/api/v1/series", prometheus(series), methods=GET_AND_POST),
        Route("/api/v1/labels", prometheus(labels), methods=GET_AND_POST),
        Route("/api/v1/label/{name}/values", prometheus(label_values)),
    ]


def _unescaped(name: str) -> str:
    """Return the label's name that one escaped for an address stands for: `U__`, then characters by their numbers."""
    if _ESCAPED.fullmatch(name) is None:
        return name
    try:
        return _ESCAPE.sub(_character, name[3:])
    except ValueError:  # a number that is no character
        return name


def _character(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return "_"
    character = chr(int(escape[1], 16))
    character.encode()  # a surrogate is none
    return character


def _told(found: list[Any], warnings: list[str]) -> Annotated:
    return Annotated(found, Annotations(), "", tuple(warnings))
