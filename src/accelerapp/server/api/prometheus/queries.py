"""Queries of Prometheus' API: instant and range, exemplars, and expressions printed and taken apart."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.api.answer import Annotated, prometheus, success
from accelerapp.server.api.parameters import ParameterError, duration, parameters, timestamp
from accelerapp.server.api.prometheus.selectors import GET_AND_POST, TRUNCATED, limit_parameter, milliseconds
from accelerapp.server.api.prometheus.values import series_count, value_json
from accelerapp.server.api.services import Services
from accelerapp.server.gotemplate import Duration
from accelerapp.server.promql import (
    Annotations,
    Expr,
    PromQLError,
    QueryOptions,
    Value,
    ValueType,
    VectorSelector,
    format_value,
    parse,
    pretty,
    to_json,
    type_of,
    walk,
)
from accelerapp.server.signals import Exemplar

_STATISTICS = ("true", "all")
#: A query of at most so many characters is parsed at once, in a few milliseconds.
_SHORT = 2048


def routes(services: Services) -> list[Route]:
    """Return the routes of queries."""

    async def expression(values: QueryParams) -> Expr:
        """Parse the query; a long one takes its time, which the event loop has not."""
        if len(values.get("query", "")) <= _SHORT:
            return _expression(values)
        return await services.in_query_thread(_expression, values)

    async def query(request: Request) -> Response:
        values = await parameters(request)
        asked = _Asked.read(values)
        at = timestamp(values, "time", services.clock())
        expr = await expression(values)
        return await services.in_query_thread(asked.answer, partial(services.engine.instant, expr, at))

    async def query_range(request: Request) -> Response:
        values = await parameters(request)
        asked = _Asked.read(values)
        start, end, step = _range(values)
        expr = await expression(values)
        if (kind := type_of(expr)) not in {ValueType.SCALAR, ValueType.VECTOR}:
            raise ParameterError(
                f'invalid parameter "query": invalid expression type "{kind}" for range query, '
                "must be Scalar or instant Vector"
            )
        return await services.in_query_thread(
            asked.answer, partial(services.engine.range, expr, start, end, step)
        )

    async def query_exemplars(request: Request) -> Any:
        values = await parameters(request)
        start, end = milliseconds(values)
        if end < start:
            raise ParameterError("end timestamp must not be before start timestamp")

        def read() -> Any:
            try:
                expr = parse(values.get("query", ""))
            except PromQLError as error:
                raise ParameterError(str(error)) from error
            selectors = [one for one in walk(expr) if isinstance(one, VectorSelector)]
            if not selectors:
                return Response(status_code=204)
            found: set[Exemplar] = set()
            for selector in selectors:
                found.update(services.exemplars.select(selector.all_matchers(), start, end))
            return _exemplars(found)

        return await services.in_query_thread(read)

    async def format_query(request: Request) -> Any:
        return await services.in_query_thread(pretty, await expression(await parameters(request)))

    async def parse_query(request: Request) -> Any:
        return await services.in_query_thread(to_json, await expression(await parameters(request)))

    return [
        Route("/api/v1/query", prometheus(query), methods=GET_AND_POST),
        Route("/api/v1/query_range", prometheus(query_range), methods=GET_AND_POST),
        Route("/api/v1/query_exemplars", prometheus(query_exemplars), methods=GET_AND_POST),
        Route("/api/v1/format_query", prometheus(format_query), methods=GET_AND_POST),
        Route("/api/v1/parse_query", prometheus(parse_query), methods=GET_AND_POST),
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What both kinds of queries may have beside the expression and its times."""

    query: str
    limit: int
    stats: str
    options: QueryOptions
    came: float  # by the monotonic clock

    @classmethod
    def read(cls, values: QueryParams) -> _Asked:
        limit = limit_parameter(values)
        timeout = duration(values, "timeout") if values.get("timeout") else None
        if timeout is not None and timeout <= 0:
            shown = Duration(round(timeout * 1e9)).text()
            raise ParameterError(f'invalid parameter "timeout": timeout must be positive, got {shown}')
        lookback = None
        if values.get("lookback_delta"):
            try:
                # Zero asks for the usual one.
                lookback = duration(values, "lookback_delta") or None
            except ParameterError as error:
                problem = str(error).partition(": ")[2]
                raise ParameterError(f"error parsing lookback delta duration: {problem}") from error
        options = QueryOptions(lookback, timeout)
        return cls(values.get("query", ""), limit, values.get("stats", ""), options, time.monotonic())

    def answer(self, evaluate: Callable[..., Value]) -> Response:
        """Evaluate, on a query's thread, and encode there what may be large."""
        began = time.monotonic()
        notes = Annotations()
        value = evaluate(notes=notes, options=self.options)
        ended = time.monotonic()
        data = value_json(value, self.limit)
        warnings = [TRUNCATED] if series_count(value) > self.limit > 0 else []
        if self.stats:
            data["stats"] = self._statistics(began, ended)
            if self.stats not in _STATISTICS:
                warnings.append(
                    f'value "{self.stats}" for parameter "stats" is deprecated and will be rejected in the next '
                    'major release, use "true" or "all"'
                )
        return success(Annotated(data, notes, self.query, tuple(warnings)))

    def _statistics(self, began: float, ended: float) -> dict[str, Any]:
        return {
            "timings": {
                "evalTotalTime": ended - began,
                "resultSortTime": 0,
                "queryPreparationTime": 0,
                "innerEvalTime": ended - began,
                "execQueueTime": began - self.came,
                "execTotalTime": ended - self.came,
            },
            # What Prometheus counts as samples is read by its engine window by window, by ours once.
            "samples": {"seriesTouched": self.options.series_touched},
        }


def _range(values: QueryParams) -> tuple[float, float, float]:
    start, end = timestamp(values, "start"), timestamp(values, "end")
    if end < start:
        raise ParameterError('invalid parameter "end": end timestamp must not be before start time')
    step = duration(values, "step")
    if step <= 0:
        raise ParameterError(
            'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
            "Try a positive integer"
        )
    if (end - start) / step > 11_000:
        raise ParameterError(
            "exceeded maximum resolution of 11,000 points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    return start, end, step


def _expression(values: QueryParams) -> Expr:
    try:
        return parse(values.get("query", ""))
    except PromQLError as error:
        raise ParameterError(f'invalid parameter "query": {error}') from error


def _exemplars(found: set[Exemplar]) -> list[dict[str, Any]]:
    """Return exemplars by their series, in ascending order of labels, then of time."""
    ordered = sorted(found, key=lambda one: (one.series, one.time_ms, one.value))
    return [
        {
            "seriesLabels": dict(series),
            "exemplars": [
                {
                    "labels": dict(one.labels),
                    "value": format_value(one.value),
                    "timestamp": one.time_ms / 1000,
                }
                for one in several
            ],
        }
        for series, several in itertools.groupby(ordered, key=lambda one: one.series)
    ]
