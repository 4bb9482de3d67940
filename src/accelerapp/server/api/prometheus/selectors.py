"""Parameters that several routes of Prometheus' API have: matchers, limits, and the times of series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from starlette.datastructures import QueryParams

from accelerapp.server.api.goparameters import GoValueError, go_int
from accelerapp.server.api.parameters import ParameterError, timestamp
from accelerapp.server.promql import PromQLError, parse_selector
from accelerapp.server.signals import Matcher
from accelerapp.server.storage import acceptance

T = TypeVar("T")

GET_AND_POST = ["GET", "POST"]
TRUNCATED = "results truncated due to limit"
#: The times between which series are listed where a request names none: all of them.
_EVER = (0.0, 253402300799.0)


def matcher_sets(values: QueryParams) -> list[list[Matcher]]:
    """Read `match[]`; one that would accept every series is refused."""
    sets = [_selector(text) for text in values.getlist("match[]")]
    for one in sets:
        if all(acceptance(matcher)("") for matcher in one):
            raise ParameterError("match[] must contain at least one non-empty matcher")
    return sets


def named_sets(values: QueryParams) -> list[list[Matcher]]:
    """Read `match[]` as the route of series does, whose errors name the parameter."""
    try:
        return matcher_sets(values)
    except ParameterError as error:
        raise ParameterError(f'invalid parameter "match[]": {error}') from error


def target_matchers(values: QueryParams) -> list[Matcher]:
    """Read `match_target`; without it every target matches."""
    try:
        return _selector(values["match_target"]) if values.get("match_target") else []
    except ParameterError as error:
        raise ParameterError(f'invalid parameter "match_target": {error}') from error


def _selector(text: str) -> list[Matcher]:
    try:
        return list(parse_selector(text))
    except PromQLError as error:
        raise ParameterError(str(error)) from error


def limit_parameter(values: QueryParams) -> int:
    """Read `limit`, of which 0, also where it is not given, is none."""
    text = values.get("limit", "")
    if not text:
        return 0
    try:
        found = go_int(text)
    except GoValueError as error:
        # Prometheus reads it by another function of the same package.
        raise ParameterError(
            f'invalid parameter "limit": {str(error).replace("ParseInt", "Atoi")}'
        ) from error
    if found < 0:
        raise ParameterError('invalid parameter "limit": limit must be non-negative')
    return found


def number_parameter(values: QueryParams, name: str, default: int = -1) -> int:
    """Read a whole number as the routes of metadata do."""
    text = values.get(name, "")
    if not text:
        return default
    try:
        return go_int(text)
    except GoValueError as error:
        raise ParameterError(f"{name} must be a number") from error


def cut(found: Sequence[T], limit: int) -> tuple[list[T], list[str]]:
    """Return at most `limit` of what was found, and the warning where something is left out."""
    if limit and len(found) > limit:
        return list(found[:limit]), [TRUNCATED]
    return list(found), []


def milliseconds(values: QueryParams) -> tuple[int, int]:
    """Read `start` and `end` as Unix milliseconds; without them, all times."""
    start, end = timestamp(values, "start", _EVER[0]), timestamp(values, "end", _EVER[1])
    return math.floor(start * 1000), math.ceil(end * 1000)
