"""Reading query parameters as Prometheus reads them, with its words where they are wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import Request

from accelerapp.server.times import parse_duration

_MOST_FORM_BYTES = 1 << 20
#: Times beyond, in seconds, are no milliseconds of 64 bits.
_MOST_SECONDS = 9.2e15
_MOST_NS = 2**63 - 1


class ParameterError(ValueError):
    """A parameter is missing or unreadable; the message names it."""


async def parameters(request: Request) -> QueryParams:
    """Return the request's parameters: those of the address, then those of a form in its body.

    Raises ParameterError for a form of more than a mebibyte.
    """
    items = list(request.query_params.multi_items())
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and content_type == "application/x-www-form-urlencoded":
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_FORM_BYTES:
                raise ParameterError("error parsing form values: http: request body too large")
        items += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return QueryParams(items)


def timestamp(values: QueryParams, name: str, default: float | None = None) -> float:
    """Read Unix seconds or RFC 3339; a parameter that may be left out has another error in Prometheus."""
    text = values.get(name, "")
    optional = "" if default is None else f"invalid time value for '{name}': "
    if not text:
        if default is not None:
            return default
        raise ParameterError(f'invalid parameter "{name}": cannot parse "" to a valid timestamp')
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if abs(number) <= _MOST_SECONDS:
        return number
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ParameterError(
            f'invalid parameter "{name}": {optional}cannot parse "{text}" to a valid timestamp'
        )
    return moment.timestamp()


def duration(values: QueryParams, name: str, default: float | None = None) -> float:
    """Read seconds, or a Prometheus duration such as `5m`."""
    text = values.get(name, "")
    if not text and default is not None:
        return default
    try:
        number = float(text)
    except ValueError:
        try:
            return parse_duration(text)
        except ValueError:
            number = math.nan
    if not math.isfinite(number):
        raise ParameterError(f'invalid parameter "{name}": cannot parse "{text}" to a valid duration')
    return number


def number(values: QueryParams, name: str, default: float | None = None) -> float | None:
    """Read a finite number; None, or the default, where the parameter is not given."""
    text = values.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ParameterError(f'parameter "{name}" must be a number, not "{text}"')
    return value


def limit(values: QueryParams, default: int, most: int) -> int:
    """Read `limit`, a whole number from 1 to `most`."""
    text = values.get("limit", "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
        raise ParameterError(f'parameter "limit" must be a whole number from 1 to {most}, not "{text[:20]}"')
    return int(text)


def one_of(values: QueryParams, name: str, choices: Sequence[str]) -> str | None:
    """Read one of some words; None where the parameter is not given."""
    text = values.get(name, "")
    if text and text not in choices:
        raise ParameterError(f'parameter "{name}" must be one of {", ".join(choices)}, not "{text[:20]}"')
    return text or None


def period_ns(values: QueryParams) -> tuple[int, int]:
    """Read `start_ms` and `end_ms` as Unix nanoseconds; without them, everything that is kept."""
    start, end = number(values, "start_ms", 0.0), number(values, "end_ms", 4_102_444_800_000.0)
    assert start is not None
    assert end is not None
    if end < start:
        raise ParameterError('"end_ms" is before "start_ms"')
    return max(0, nanoseconds(start)), max(0, nanoseconds(end))


def nanoseconds(milliseconds: float) -> int:
    """Return milliseconds as nanoseconds that fit 64 bits, as the store has them; what lies beyond holds nothing."""
    if abs(milliseconds) > _MOST_SECONDS / 1000:
        return _MOST_NS if milliseconds > 0 else -_MOST_NS
    return int(milliseconds * 1_000_000)
