"""Prometheus' HTTP API, version 1, in the form and with the errors of the original."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from accelerapp.server.api.answer import Annotated, prometheus
from accelerapp.server.api.histogram import histogram_json
from accelerapp.server.api.parameters import ParameterError, duration, parameters, timestamp
from accelerapp.server.api.services import Services
from accelerapp.server.ingest import TargetStatus
from accelerapp.server.promql import (
    Annotations,
    Expr,
    Matrix,
    MatrixSeries,
    PromQLError,
    Scalar,
    String,
    Value,
    ValueType,
    Vector,
    VectorSelector,
    format_value,
    parse,
    type_of,
)
from accelerapp.server.signals import Matcher
from accelerapp.server.times import format_duration, rfc3339

#: The times between which series are listed where a request names none: all of them.
_EVER = (0.0, 253402300799.0)
_GET_AND_POST = ["GET", "POST"]


def routes(services: Services) -> list[Route]:
    """Return the routes of the API over a running observatory."""
    return [*_queries(services), *_series(services), *_state(services)]


def _queries(services: Services) -> list[Route]:
    async def query(request: Request) -> Any:
        values = await parameters(request)
        at = timestamp(values, "time", services.clock())
        expr = _expression(values)
        notes = Annotations()
        value = await services.in_query_thread(partial(services.engine.instant, notes=notes), expr, at)
        return Annotated(value_json(value), notes, values.get("query", ""))

    async def query_range(request: Request) -> Any:
        values = await parameters(request)
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
        expr = _expression(values)
        if (kind := type_of(expr)) not in {ValueType.SCALAR, ValueType.VECTOR}:
            raise ParameterError(
                f'invalid parameter "query": invalid expression type "{kind}" for range query, '
                "must be Scalar or instant Vector"
            )
        notes = Annotations()
        value = await services.in_query_thread(
            partial(services.engine.range, notes=notes), expr, start, end, step
        )
        return Annotated(value_json(value), notes, values.get("query", ""))

    return [
        Route("/api/v1/query", prometheus(query), methods=_GET_AND_POST),
        Route("/api/v1/query_range", prometheus(query_range), methods=_GET_AND_POST),
    ]


def _series(services: Services) -> list[Route]:
    async def series(request: Request) -> Any:
        values = await parameters(request)
        sets = _matcher_sets(values)
        if not sets:
            raise ParameterError("no match[] parameter provided")
        found = await services.in_query_thread(services.metrics.series, sets, *_milliseconds(values))
        return [dict(labels) for labels in found]

    async def labels(request: Request) -> Any:
        values = await parameters(request)
        return await services.in_query_thread(
            services.metrics.label_names, _matcher_sets(values), *_milliseconds(values)
        )

    async def label_values(request: Request) -> Any:
        values = await parameters(request)
        return await services.in_query_thread(
            services.metrics.label_values,
            request.path_params["name"],
            _matcher_sets(values),
            *_milliseconds(values),
        )

    return [
        Route("/api/v1/series", prometheus(series), methods=_GET_AND_POST),
        Route("/api/v1/labels", prometheus(labels), methods=_GET_AND_POST),
        Route("/api/v1/label/{name}/values", prometheus(label_values)),
    ]


def _state(services: Services) -> list[Route]:
    async def rules(_: Request) -> Any:
        found = [group.as_prometheus() for group in services.rules.groups()]
        return {"groups": sorted(found, key=lambda group: (group["file"], group["name"]))}

    async def alerts(_: Request) -> Any:
        found = [
            alert.as_prometheus()
            for group in services.rules.groups()
            for rule in group.rules
            for alert in rule.alerts
        ]
        return {"alerts": found}

    async def targets(_: Request) -> Any:
        return {"activeTargets": [_target(t) for t in services.scraper.targets()], "droppedTargets": []}

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("The observatory is healthy.\n")

    async def ready(_: Request) -> Response:
        return PlainTextResponse("The observatory is ready.\n")

    return [
        Route("/api/v1/rules", prometheus(rules)),
        Route("/api/v1/alerts", prometheus(alerts)),
        Route("/api/v1/targets", prometheus(targets)),
        Route("/-/healthy", healthy),
        Route("/-/ready", ready),
    ]


def _target(target: TargetStatus) -> dict[str, Any]:
    return {
        "discoveredLabels": dict(target.discovered_labels),
        "labels": dict(target.labels),
        "scrapePool": target.job,
        "scrapeUrl": target.scrape_url,
        "globalUrl": target.scrape_url,
        "lastError": target.last_error,
        "lastScrape": rfc3339(target.last_scrape or None),
        "lastScrapeDuration": target.last_scrape_duration_seconds,
        "health": target.health,
        "scrapeInterval": format_duration(target.interval_seconds),
        "scrapeTimeout": format_duration(target.timeout_seconds),
    }


def _expression(values: QueryParams) -> Expr:
    try:
        return parse(values.get("query", ""))
    except PromQLError as error:
        raise ParameterError(f'invalid parameter "query": {error}') from error


def _matcher_sets(values: QueryParams) -> list[list[Matcher]]:
    sets = []
    for text in values.getlist("match[]"):
        try:
            selector = parse(text)
        except PromQLError as error:
            raise ParameterError(f'invalid parameter "match[]": {error}') from error
        if not isinstance(selector, VectorSelector):
            raise ParameterError(f'invalid parameter "match[]": "{text}" is not a series selector')
        sets.append(list(selector.all_matchers()))
    return sets


def _milliseconds(values: QueryParams) -> tuple[int, int]:
    start, end = timestamp(values, "start", _EVER[0]), timestamp(values, "end", _EVER[1])
    return math.floor(start * 1000), math.ceil(end * 1000)


def value_json(value: Value) -> dict[str, Any]:
    """Return a query's result in the form of the API: values as text, times as Unix seconds."""
    match value:
        case Scalar():
            return {"resultType": "scalar", "result": [value.time, format_value(value.value)]}
        case String():
            return {"resultType": "string", "result": [value.time, value.value]}
        case Vector():
            result = [
                {"metric": dict(labels), "value": [value.time, format_value(float(v))]}
                for labels, v in zip(value.labels, value.values, strict=True)
            ]
            for index, histogram in value.histograms.items():
                metric = result[index]["metric"]
                result[index] = {"metric": metric, "histogram": [value.time, histogram_json(histogram)]}
            return {"resultType": "vector", "result": result}
        case Matrix():
            return {
                "resultType": "matrix",
                "result": [_series_json(series) for series in value.series],
            }


def _series_json(series: MatrixSeries) -> dict[str, Any]:
    """Return a series with its values and its native histograms; what it has none of is left out."""
    answer: dict[str, Any] = {"metric": dict(series.labels)}
    if len(series.timestamps):
        points = zip(series.timestamps.tolist(), series.values.tolist(), strict=True)
        answer["values"] = [[ms / 1000, format_value(v)] for ms, v in points]
    if series.histograms:
        answer["histograms"] = [[ms / 1000, histogram_json(one)] for ms, one in series.histograms]
    return answer
