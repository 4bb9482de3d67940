"""What is known of metrics, by metric and by target, in Prometheus' API."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.api.answer import prometheus, success
from accelerapp.server.api.parameters import parameters
from accelerapp.server.api.prometheus.selectors import number_parameter, target_matchers
from accelerapp.server.api.services import Services
from accelerapp.server.signals import Labels, Matcher, Metadata
from accelerapp.server.storage import acceptance


def routes(services: Services) -> list[Route]:
    """Return the routes of metadata."""

    async def metadata(request: Request) -> Response:
        values = await parameters(request)
        limit, each = number_parameter(values, "limit"), number_parameter(values, "limit_per_metric")
        metric = values.get("metric", "")

        def read() -> Response:
            found = services.metadata.all()
            if metric:
                found = {metric: found[metric]} if metric in found else {}
            names = itertools.islice(found, limit if limit >= 0 else None)
            most = each if each > 0 else None
            return success({name: [_told(one) for one in found[name][:most]] for name in names})

        return await services.in_query_thread(read)

    async def targets_metadata(request: Request) -> Response:
        values = await parameters(request)
        limit, metric = number_parameter(values, "limit"), values.get("metric", "")
        matchers = target_matchers(values)

        def read() -> Response:
            answer: list[dict[str, Any]] = []
            for target, metrics in services.metadata.of_targets().items():
                # As in the original the limit ends the list only between targets.
                if limit >= 0 and len(answer) >= limit:
                    break
                if _matches(target, matchers):
                    answer += _of_target(target, metrics, metric)
            return success(answer)

        return await services.in_query_thread(read)

    return [
        Route("/api/v1/metadata", prometheus(metadata)),
        Route("/api/v1/targets/metadata", prometheus(targets_metadata)),
    ]


def _of_target(target: Labels, metrics: Mapping[str, Metadata], metric: str) -> list[dict[str, Any]]:
    """Return what a target tells of one metric, which is not named then, or of all."""
    if metric:
        return [{"target": dict(target), **_told(metrics[metric])}] if metric in metrics else []
    return [{"target": dict(target), "metric": name, **_told(one)} for name, one in metrics.items()]


def _told(metadata: Metadata) -> dict[str, Any]:
    return {"type": metadata.type, "help": metadata.help, "unit": metadata.unit}


def _matches(labels: Labels, matchers: Sequence[Matcher]) -> bool:
    values = dict(labels)
    return all(acceptance(matcher)(values.get(matcher.name, "")) for matcher in matchers)
