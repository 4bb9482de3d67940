"""What a silence would keep quiet: the alerts that its matchers accept now, and the rules whose alerts they would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.alerting import Matchers, fingerprint, parse_matchers
from accelerapp.server.api.answer import own
from accelerapp.server.api.elsewhere import from_elsewhere
from accelerapp.server.api.parameters import ParameterError
from accelerapp.server.api.services import Services
from accelerapp.server.rules import GroupStatus, Rule
from accelerapp.server.signals import Labels, Matcher

PATH: Final = "/api/accelerapp/v1/alerts/matching"
#: Alerts, and rules, as they are told at most; all are counted.
_MOST: Final = 200


def routes(services: Services) -> list[Route]:
    """Return the route over a running observatory."""

    async def matching(request: Request) -> Any:
        matchers = _read(request.query_params.getlist("filter"))
        return await services.in_query_thread(_preview, services, matchers)

    return [Route(PATH, own(matching))]


def _read(texts: Sequence[str]) -> list[Matcher]:
    if not texts:
        raise ParameterError('parameter "filter" is missing; write a matcher, such as name="value"')
    try:
        return [matcher for text in texts for matcher in parse_matchers(text)]
    except ValueError as error:
        raise ParameterError(f'parameter "filter": {error}') from error


def _preview(services: Services, matchers: list[Matcher]) -> dict[str, Any]:
    groups = services.rules.groups()
    accepts, quiet = Matchers.of(matchers), services.alertmanager.quiet()
    each = [(matcher.name, Matchers.of([matcher])) for matcher in matchers]
    alerts = [(labels, state) for labels, state in _active(services, groups) if accepts.match(dict(labels))]
    rules = [
        {"name": rule.name, "group": group.group.name, "depends_on": depends}
        for group in groups
        for status in group.rules
        if (rule := status.rule).alerting and (depends := _depends(services, rule, each)) is not None
    ]
    # Those of which it is sure come first.
    rules.sort(key=lambda rule: len(rule["depends_on"]) > 0)
    return {
        "firing": sum(state == "firing" for _, state in alerts),
        "pending": sum(state == "pending" for _, state in alerts),
        "alerts": [
            {
                "labels": dict(labels),
                "fingerprint": fingerprint(labels),
                "state": state,
                "silenced_by": list(quiet(labels).silenced_by),
            }
            for labels, state in alerts[:_MOST]
        ],
        "rule_count": len(rules),
        "rules": rules[:_MOST],
    }


def _active(services: Services, groups: Sequence[GroupStatus]) -> Iterator[tuple[Labels, str]]:
    """Yield the labels under which alerts are sent, or would be once they fire, with their states."""
    for group in groups:
        for status in group.rules:
            for alert in status.alerts:
                yield services.rules.as_sent(alert.labels), alert.state
    for other in from_elsewhere(services, groups):
        yield other.labels, "firing"


def _depends(services: Services, rule: Rule, matchers: Sequence[tuple[str, Matchers]]) -> list[str] | None:
    """Return the labels of which only an alert of the rule tells whether they match, None where others do not."""
    written = {name: text for name, text in rule.label_texts.items() if "{{" not in text}
    known = dict(services.rules.as_sent((("alertname", rule.name), *written.items())))
    if not all(matcher.match(known) for name, matcher in matchers if name in known):
        return None
    return sorted({name for name, _ in matchers if name not in known})
