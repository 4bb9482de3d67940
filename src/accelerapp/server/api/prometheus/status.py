"""What runs, how it was started, and what it holds, in Prometheus' API."""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import prometheus
from accelerapp.server.api.goparameters import GoValueError, go_int
from accelerapp.server.api.parameters import ParameterError, parameters
from accelerapp.server.api.services import Services
from accelerapp.server.signals import METRIC_NAME
from accelerapp.server.times import rfc3339

#: The version of Prometheus whose API this is: clients decide by it what they may ask.
PROMETHEUS_VERSION = "3.16.0"
#: What Prometheus calls its head: the series of the last hours.
_HEAD_SECONDS = 3 * 3600.0
_MOST_ENTRIES = 10_000


def routes(services: Services) -> list[Route]:
    """Return the routes of the status."""

    async def config(_: Request) -> Any:
        return {"yaml": services.configuration().yaml}

    async def flags(_: Request) -> Any:
        return dict(services.configuration().flags)

    async def buildinfo(_: Request) -> Any:
        return {
            "application": f"Accelerapp observatory {services.version}",
            "version": PROMETHEUS_VERSION,
            "revision": services.revision,
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        }

    async def runtimeinfo(_: Request) -> Any:
        configuration = services.configuration()
        return {
            "startTime": rfc3339(services.started_at),
            "CWD": str(Path.cwd()),
            "hostname": socket.gethostname(),
            "serverTime": rfc3339(services.clock()),
            "reloadConfigSuccess": not configuration.error,
            "lastConfigTime": rfc3339(configuration.read_at),
            "corruptionCount": int(services.storage_stats()["damaged_segments"]),
            "goroutineCount": threading.active_count(),
            "GOMAXPROCS": os.cpu_count() or 1,
            "GOMEMLIMIT": 0,
            "GOGC": "",
            "GODEBUG": "",
            "storageRetention": configuration.flags["storage.tsdb.retention.time"],
        }

    async def tsdb(request: Request) -> Any:
        limit = _limit((await parameters(request)).get("limit", ""))
        now = services.clock()
        begin = now - _HEAD_SECONDS
        return await services.in_query_thread(_cardinality, services, begin, now, limit)

    async def walreplay(_: Request) -> Any:
        # The journal is replayed before the port answers.
        return {"min": 0, "max": 0, "current": 0}

    async def notifications(_: Request) -> Any:
        configuration = services.configuration()
        if not configuration.error:
            return []
        return [
            {
                "text": f"Configuration reload has failed: {configuration.error}",
                "date": rfc3339(configuration.tried_at),
                "active": True,
            }
        ]

    return [
        Route("/api/v1/status/config", prometheus(config)),
        Route("/api/v1/status/flags", prometheus(flags)),
        Route("/api/v1/status/buildinfo", prometheus(buildinfo)),
        Route("/api/v1/status/runtimeinfo", prometheus(runtimeinfo)),
        Route("/api/v1/status/tsdb", prometheus(tsdb)),
        Route("/api/v1/status/walreplay", prometheus(walreplay)),
        Route("/api/v1/notifications", prometheus(notifications)),
    ]


def _limit(text: str) -> int:
    try:
        limit = go_int(text) if text else 10
    except GoValueError:
        limit = 0
    if limit < 1:
        raise ParameterError("limit must be a positive number")
    if limit > _MOST_ENTRIES:
        raise ParameterError(f"limit must not exceed {_MOST_ENTRIES}")
    return limit


def _cardinality(services: Services, begin: float, now: float, limit: int) -> dict[str, Any]:
    """Count the series of the head by what they are called, as Prometheus' index does."""
    begin_ms, now_ms = round(begin * 1000), round(now * 1000)
    pairs: Counter[tuple[str, str]] = Counter()
    found = services.metrics.series([], begin_ms, now_ms)
    for labels in found:
        pairs.update(labels)
    values: Counter[str] = Counter(name for name, _ in pairs)
    size: Counter[str] = Counter()
    for (name, value), series in pairs.items():
        size[name] += len(value.encode()) * series
    metrics = Counter({value: series for (name, value), series in pairs.items() if name == METRIC_NAME})
    texts = Counter({f"{name}={value}": series for (name, value), series in pairs.items()})
    return {
        "headStats": {
            "numSeries": len(found),
            "numLabelPairs": len(pairs),
            "chunkCount": 0,
            "minTime": begin_ms,
            "maxTime": now_ms,
        },
        "seriesCountByMetricName": _most(metrics, limit),
        "labelValueCountByLabelName": _most(values, limit),
        "memoryInBytesByLabelName": _most(size, limit),
        "seriesCountByLabelValuePair": _most(texts, limit),
    }


def _most(counted: Counter[str], limit: int) -> list[dict[str, Any]]:
    ordered = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return [{"name": name, "value": count} for name, count in ordered[:limit]]
