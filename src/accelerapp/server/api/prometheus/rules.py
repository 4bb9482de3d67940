"""Rules and alerts in Prometheus' API."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import prometheus
from accelerapp.server.api.goparameters import GoValueError, go_bool, go_int
from accelerapp.server.api.parameters import ParameterError, parameters
from accelerapp.server.api.prometheus.selectors import matcher_sets
from accelerapp.server.api.services import Services
from accelerapp.server.signals import Matcher
from accelerapp.server.storage import acceptance

_KINDS = {"alert": "alerting", "record": "recording"}


def routes(services: Services) -> list[Route]:
    """Return the routes of rules and alerts."""

    async def rules(request: Request) -> Any:
        values = await parameters(request)
        found = [group.as_prometheus() for group in services.rules.groups()]
        return _page(sorted(found, key=lambda group: (group["file"], group["name"])), values)

    async def alerts(_: Request) -> Any:
        found = [
            alert.as_prometheus()
            for group in services.rules.groups()
            for rule in group.rules
            for alert in rule.alerts
        ]
        return {"alerts": found}

    return [Route("/api/v1/rules", prometheus(rules)), Route("/api/v1/alerts", prometheus(alerts))]


def _page(groups: Sequence[dict[str, Any]], values: QueryParams) -> dict[str, Any]:
    """Return the groups that are asked for, of those after a token at most `group_limit`."""
    sets = matcher_sets(values)
    kind = values.get("type", "").lower()
    if kind and kind not in _KINDS:
        raise ParameterError(f'invalid parameter "type": not supported value "{kind}"')
    without_alerts = _exclude_alerts(values)
    limit, token = _paging(values)
    named, files = values.getlist("rule_group[]"), values.getlist("file[]")
    wanted = values.getlist("rule_name[]")
    found = not token
    answer: list[dict[str, Any]] = []
    for group in groups:
        if not found and token != _token(group):
            continue
        found = True
        if (named and group["name"] not in named) or (files and group["file"] not in files):
            continue
        rules = [
            {**rule, "alerts": None} if without_alerts and rule["type"] == "alerting" else rule
            for rule in group["rules"]
            if kind in ("", _kind(rule))
            and (not wanted or rule["name"] in wanted)
            and (not sets or any(_accepts(rule["labels"], one) for one in sets))
        ]
        if not rules:
            continue
        if limit and len(answer) == limit:
            return {"groups": answer, "groupNextToken": _token(group)}
        answer.append({**group, "rules": rules})
    if not found:
        raise ParameterError(
            f"invalid parameter \"group_next_token\": invalid group_next_token '{token}'. were rule groups changed?"
        )
    return {"groups": answer}


def _kind(rule: Mapping[str, Any]) -> str:
    return next(kind for kind, name in _KINDS.items() if name == rule["type"])


def _accepts(labels: Mapping[str, str], matchers: Sequence[Matcher]) -> bool:
    return all(acceptance(matcher)(labels.get(matcher.name, "")) for matcher in matchers)


def _exclude_alerts(values: QueryParams) -> bool:
    text = values.get("exclude_alerts", "").lower()
    try:
        return bool(text) and go_bool(text)
    except GoValueError as error:
        raise ParameterError(
            f'invalid parameter "exclude_alerts": error converting exclude_alerts: {error}'
        ) from error


def _paging(values: QueryParams) -> tuple[int, str]:
    text, token = values.get("group_limit", ""), values.get("group_next_token", "")
    if token and not text:
        raise ParameterError(
            'invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups'
        )
    if not text:
        return 0, ""
    try:
        limit = go_int(text, 32)
    except GoValueError as error:
        raise ParameterError(
            f'invalid parameter "group_limit": group_limit needs to be a valid number: {error}'
        ) from error
    if limit <= 0:
        raise ParameterError('invalid parameter "group_limit": group_limit needs to be greater than 0')
    return limit, token


def _token(group: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{group['file']};{group['name']}".encode()).hexdigest()
