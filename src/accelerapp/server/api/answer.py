"""Answers and errors in the forms of the originals: Prometheus' envelope, and the observatory's own."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from accelerapp.server.api.parameters import ParameterError
from accelerapp.server.api.query_threads import QueueFullError
from accelerapp.server.promql import Annotations, InvalidDurationError, PromQLError, QueryTimeoutError
from accelerapp.server.storage import (
    InvalidMatcherError,
    ReadTimeoutError,
    ReadTooLargeError,
    TooManySamplesError,
)

Handler = Callable[[Request], Awaitable[Any]]


def json_response(content: Any, status: int = 200) -> Response:
    return Response(
        orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY), status, media_type="application/json"
    )


@dataclass(frozen=True, slots=True)
class Annotated:
    """A query's answer with what there is to say of it; `query` is the text that its places are in."""

    data: Any
    notes: Annotations
    query: str
    warnings: tuple[str, ...] = ()


def prometheus(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Wrap what a handler returns as Prometheus' `{"status": "success", "data": …}`, and what it raises likewise.

    A response is passed on.
    """

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            data = await handler(request)
        except (ParameterError, InvalidMatcherError) as error:
            return _prometheus_error(400, "bad_data", str(error))
        except InvalidDurationError as error:
            return _prometheus_error(400, "bad_data", f'invalid parameter "query": {error}')
        except (QueryTimeoutError, ReadTimeoutError) as error:
            return _prometheus_error(503, "timeout", str(error))
        except QueueFullError as error:
            return _prometheus_error(503, "unavailable", str(error))
        except (PromQLError, TooManySamplesError, ReadTooLargeError) as error:
            return _prometheus_error(422, "execution", str(error))
        return data if isinstance(data, Response) else success(data)

    return answer


def success(data: Any) -> Response:
    """Return an answer of Prometheus' API; where it may be large this is called on a query's thread."""
    if not isinstance(data, Annotated):
        return json_response({"status": "success", "data": data})
    warnings = [*data.notes.warnings(data.query), *data.warnings]
    said = {"warnings": warnings, "infos": data.notes.infos(data.query)}
    told = {name: texts for name, texts in said.items() if texts}
    return json_response({"status": "success", "data": data.data, **told})


def _prometheus_error(status: int, kind: str, message: str) -> Response:
    return json_response({"status": "error", "errorType": kind, "error": message}, status)


class NotFoundError(Exception):
    """What was asked for does not exist; the message says what to do."""


def own(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return what a handler returns as JSON, and what it raises as `{"error": …}`; a response is passed on."""

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            content = await handler(request)
            return content if isinstance(content, Response) else json_response(content)
        except ParameterError as error:
            return json_response({"error": str(error)}, 400)
        except NotFoundError as error:
            return json_response({"error": str(error)}, 404)
        except ReadTooLargeError as error:
            return json_response({"error": str(error)}, 422)
        except (QueueFullError, ReadTimeoutError) as error:
            return json_response({"error": str(error)}, 503)

    return answer
