"""Which features of Prometheus there are here, as its API tells them; of the query language it is tried."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import prometheus
from accelerapp.server.api.services import Services
from accelerapp.server.promql import PromQLError, parse
from accelerapp.server.promql.functions.signatures import SIGNATURES

#: An expression that is understood where there is the feature.
_PROMQL = {
    "anchored": "rate(a[5m] anchored)",
    "at_modifier": "a @ 1",
    "bool": "a > bool 1",
    "by": "sum by (b) (a)",
    "duration_expr": "rate(a[1m + 1m])",
    "fill": "a + fill(0) b",
    "fill_left": "a + fill_left(0) b",
    "fill_right": "a + fill_right(0) b",
    "group_left": "a * on (c) group_left b",
    "group_right": "a * on (c) group_right b",
    "ignoring": "a + ignoring (c) b",
    "negative_offset": "a offset -1m",
    "offset": "a offset 1m",
    "on": "a + on (c) b",
    "smoothed": "rate(a[5m] smoothed)",
    "subqueries": "max_over_time(a[5m:1m])",
    "without": "sum without (b) (a)",
}
_OPERATORS = {
    **{name: f'a{{b{name}"c"}}' for name in ("=~", "!~")},
    **{
        name: f"a {name} b"
        for name in [
            "!=",
            "%",
            "*",
            "+",
            "-",
            "/",
            "<",
            "<=",
            "==",
            ">",
            ">=",
            "^",
            "</",
            ">/",
            "and",
            "atan2",
            "or",
            "unless",
        ]
    },
    **{name: f"{name}(a)" for name in ["avg", "count", "group", "max", "min", "stddev", "stdvar", "sum"]},
    **{name: f"{name}(1, a)" for name in ["bottomk", "limit_ratio", "limitk", "quantile", "topk"]},
    "count_values": 'count_values("b", a)',
    "@": "a @ 1",
}
_OTHER = {
    "api": {
        "admin": False,
        "exclude_alerts": True,
        "label_values_match": True,
        "lifecycle": True,
        "otlp_write_receiver": False,
        "query_cost": False,
        "query_stats": True,
        "query_warnings": True,
        "remote_write_receiver": False,
        "search": False,
        "time_range_labels": True,
        "time_range_series": True,
    },
    "prometheus": {"agent_mode": False, "auto_reload_config": False, "server_mode": True},
    "rules": {"concurrent_rule_eval": False, "keep_firing_for": True, "query_offset": True},
    "service_discovery_providers": {"file": True, "static": True},
    "tsdb": {"exemplar_storage": True, "native_histograms": True},
}


def routes(_: Services) -> list[Route]:
    """Return the route of the features."""

    async def features(_: Request) -> Any:
        return _features()

    return [Route("/api/v1/features", prometheus(features))]


@functools.cache
def _features() -> Mapping[str, Mapping[str, bool]]:
    return {
        **_OTHER,
        "promql": {"per_query_lookback_delta": True} | _understood(_PROMQL),
        "promql_functions": {name: not one.experimental for name, one in sorted(SIGNATURES.items())},
        "promql_operators": _understood(_OPERATORS),
    }


def _understood(expressions: Mapping[str, str]) -> dict[str, bool]:
    found = {}
    for name, expression in expressions.items():
        try:
            parse(expression)
        except PromQLError:
            found[name] = False
        else:
            found[name] = True
    return found
