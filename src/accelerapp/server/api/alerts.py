"""Alerting rules with their alerts, what happened to them, and the playbooks, as the page asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from accelerapp.server.alerting import AlertStatus as Quiet
from accelerapp.server.alerting import Silence, fingerprint
from accelerapp.server.api.answer import NotFoundError, own
from accelerapp.server.api.elsewhere import from_elsewhere
from accelerapp.server.api.parameters import limit, period_ns
from accelerapp.server.api.services import Services
from accelerapp.server.oncall import condition_of, histogram_of, recording_rules
from accelerapp.server.rules import AlertStatus, GroupStatus, Rule, RuleStatus
from accelerapp.server.signals import Alert, Labels
from accelerapp.server.storage.state import Notification, SilenceChange, Transition

PREFIX: Final = "/api/accelerapp/v1"
#: How far back the history goes where a request does not say, in seconds.
_HISTORY: Final = 24 * 3600.0
#: Alerts that came from elsewhere, as they are told at most.
_MOST_OTHERS: Final = 500
#: Alerts of one notification whose labels are told.
_MOST_NOTIFIED: Final = 20


def routes(services: Services) -> list[Route]:
    """Return the routes over a running observatory."""
    overview = _Overview(services)

    async def alerts(_: Request) -> Any:
        return await services.in_query_thread(overview.now)

    async def history(request: Request) -> Any:
        values = request.query_params
        start, end = (moment / 1e9 for moment in period_ns(values))
        most, silence = limit(values, 500, 5000), values.get("silence", "")
        if silence:
            return await services.in_query_thread(_history_of_silence, services, silence, start, end, most)
        if "start_ms" not in values:
            start = services.clock() - _HISTORY
        return await services.in_query_thread(_history, services, values.get("name", ""), start, end, most)

    async def playbooks(_: Request) -> Any:
        titles = await services.in_query_thread(services.playbooks.titles)
        return {"playbooks": [{"name": name, "title": title} for name, title in titles.items()]}

    async def playbook(request: Request) -> Any:
        name = request.path_params["name"]
        found = await services.in_query_thread(services.playbooks.render, name, services.time_factor)
        if found is None:
            known = ", ".join(services.playbooks.names()) or "none"
            raise NotFoundError(f"no playbook {name[:80]!r}; there are: {known}")
        blocks = [
            {"lang": block.lang, "text": block.text, "query": block.query, "problem": block.problem}
            for block in found.blocks
        ]
        return {"name": found.name, "title": found.title, "html": found.html, "blocks": blocks}

    async def runbook(request: Request) -> Response:
        # Where Prometheus has it too (--web.user-assets), so that the links of the shipped alerts lead somewhere here.
        text = await services.in_query_thread(services.playbooks.source, request.path_params["name"])
        return PlainTextResponse("404 page not found\n", 404) if text is None else PlainTextResponse(text)

    return [
        Route(f"{PREFIX}/alerts", own(alerts)),
        Route(f"{PREFIX}/alerts/history", own(history)),
        Route(f"{PREFIX}/playbooks", own(playbooks)),
        Route(f"{PREFIX}/playbooks/{{name}}", own(playbook)),
        Route("/user/{name}.md", runbook),
    ]


class _Overview:
    """What the alerting rules say now. The page asks every few seconds, so that what a file says is told once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        #: What of a rule does not change, beside the rule that it was made of, by the rule's identity.
        self._written: dict[int, tuple[Rule, dict[str, Any]]] = {}

    def now(self) -> dict[str, Any]:
        services = self._services
        groups = services.rules.groups()
        answer = _Answer(services)
        written: dict[int, tuple[Rule, dict[str, Any]]] = {}
        recorded = recording_rules(status.rule for group in groups for status in group.rules)
        rules = []
        for group in groups:
            for status in group.rules:
                rule = status.rule
                if not rule.alerting:
                    continue
                known = self._written.get(id(rule))
                if known is None or known[0] is not rule:
                    # All rules are read anew together, so that what one says of another holds as long as itself.
                    known = rule, _as_written(services, group, rule, recorded)
                written[id(rule)] = known
                rules.append({**known[1], **answer.rule(status)})
        self._written = written
        others = from_elsewhere(services, groups)
        return {
            "rules": rules,
            "others": [answer.other(alert) for alert in others[:_MOST_OTHERS]],
            "others_left_out": max(0, len(others) - _MOST_OTHERS),
            **answer.named(),
        }


class _Answer:
    """One answer: its alerts, and what they name, each of which is told once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._manager = services.alertmanager
        self._quiet: Callable[[Labels], Quiet] = services.alertmanager.quiet()
        self._now = services.clock()
        self._silences: set[str] = set()
        self._inhibitors: set[str] = set()
        self._routes: dict[str, dict[str, Any]] = {}

    def rule(self, status: RuleStatus) -> dict[str, Any]:
        rule = status.rule
        # Without an alert, what the rule's labels tell by themselves; those that are templates say nothing yet.
        written = {name: text for name, text in rule.label_texts.items() if "{{" not in text}
        labels = self._services.rules.as_sent((("alertname", rule.name), *written.items()))
        return {
            "state": status.state,
            "health": status.health,
            "last_error": status.last_error,
            "last_evaluation_ms": _ms(status.last_evaluation),
            "evaluation_seconds": status.evaluation_time_seconds,
            "routes": self._routes_of(labels),
            "alerts": [self._alert(alert) for alert in status.alerts],
        }

    def _alert(self, alert: AlertStatus) -> dict[str, Any]:
        return {
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "state": alert.state,
            "active_ms": alert.active_at * 1000,
            "fired_ms": _ms(alert.fired_at),
            "keep_firing_ms": _ms(alert.keep_firing_since),
            "value": alert.value,
            **self._sent(self._services.rules.as_sent(alert.labels)),
        }

    def other(self, alert: Alert) -> dict[str, Any]:
        """Return an alert that no rule of this observatory has raised."""
        return {
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "starts_ms": alert.starts_at * 1000,
            "source": alert.generator_url,
            **self._sent(alert.labels),
        }

    def _sent(self, labels: Labels) -> dict[str, Any]:
        """Return what becomes of an alert with these labels, under which it is sent."""
        quiet = self._quiet(labels)
        self._silences.update(quiet.silenced_by)
        self._inhibitors.update(quiet.inhibited_by)
        return {
            "fingerprint": fingerprint(labels),
            "silenced_by": list(quiet.silenced_by),
            "inhibited_by": list(quiet.inhibited_by),
            "routes": self._routes_of(labels),
        }

    def _routes_of(self, labels: Labels) -> list[str]:
        found = list(self._manager.config.route.match(dict(labels)))
        factor = self._manager.config.time_factor
        for route in found:
            if route.id not in self._routes:
                self._routes[route.id] = {
                    "receiver": route.receiver,
                    "key": route.key,
                    "group_by": None if route.group_by is None else sorted(route.group_by),
                    "group_wait_seconds": route.group_wait * factor,
                    "group_interval_seconds": route.group_interval * factor,
                    "repeat_interval_seconds": route.repeat_interval * factor,
                    "muted_by": list(route.inactive_by(self._now) or route.muted_by(self._now)),
                }
        return [route.id for route in found]

    def named(self) -> dict[str, Any]:
        """Return the silences, inhibiting alerts and routes that the alerts name."""
        inhibitors = {}
        if self._inhibitors:
            inhibitors = {
                found: dict(alert.labels)
                for alert in self._manager.alerts()
                if (found := fingerprint(alert.labels)) in self._inhibitors
            }
        return {
            "silences": [
                _silence(silence, self._now)
                for silence in self._manager.silences.all()
                if silence.stored.id in self._silences
            ],
            "inhibitors": inhibitors,
            "receiver_routes": self._routes,
        }


def _as_written(
    services: Services, group: GroupStatus, rule: Rule, recorded: Mapping[str, Sequence[Rule]]
) -> dict[str, Any]:
    condition = condition_of(rule.expr)
    histogram = histogram_of(condition.watched, recorded)
    return {
        "name": rule.name,
        "group": group.group.name,
        "file": group.group.file,
        "interval_seconds": group.group.interval_seconds_as_written,
        "expr": rule.expr_text,
        "query": rule.query,
        "graph_query": str(condition.watched),
        "threshold": condition.threshold,
        "threshold_query": None if condition.against is None else str(condition.against),
        "comparison": condition.comparison,
        "histogram": None
        if histogram is None
        else {"metric": histogram.metric, "query": histogram.query, "bound": histogram.bound},
        "for_seconds": rule.for_seconds_as_written,
        "effective_for_seconds": rule.for_seconds,
        "keep_firing_for_seconds": rule.keep_firing_for_seconds_as_written,
        "labels": rule.label_texts,
        "annotations": rule.annotation_texts,
        "title": rule.title,
        "playbook": services.playbooks.named_by(rule.annotation_texts.get("runbook_url", "")),
    }


def _history(services: Services, name: str, start: float, end: float, most: int) -> dict[str, Any]:
    """Return what happened between two Unix times: of the alerts of one name, or of all where it is empty."""
    names = {
        status.rule.name
        for group in services.rules.groups()
        for status in group.rules
        if status.rule.alerting and name in ("", status.rule.name)
    }
    transitions = sorted(
        ((rule, each) for rule in names for each in services.rules.history(rule, start) if each.at <= end),
        key=lambda found: found[1].at,
    )
    notifications = [
        (each, told)
        for each in services.alertmanager.notifications(start)
        if each.at <= end and (told := _told(each, name))
    ]
    changes = [change for change in services.alertmanager.silences.changes(start) if change.at <= end]
    return {
        "transitions": [_transition(rule, each) for rule, each in transitions[-most:]],
        "notifications": [_notification(each, told) for each, told in notifications[-most:]],
        "silence_changes": _silence_changes(services, changes[-most:]),
        "truncated": max(len(transitions), len(notifications), len(changes)) > most,
    }


def _history_of_silence(
    services: Services, silence: str, start: float, end: float, most: int
) -> dict[str, Any]:
    """Return who changed one silence between two Unix times."""
    changes = services.alertmanager.silences.changes(start)
    own = [change for change in changes if change.silence == silence and change.at <= end]
    return {
        "transitions": [],
        "notifications": [],
        "silence_changes": _silence_changes(services, own[-most:]),
        "truncated": len(own) > most,
    }


def _silence_changes(services: Services, changes: Sequence[SilenceChange]) -> list[dict[str, Any]]:
    stored = {silence.stored.id: silence.stored for silence in services.alertmanager.silences.all()}
    return [
        {
            "at_ms": change.at * 1000,
            "silence": change.silence,
            "action": change.action,
            "created_by": change.created_by,
            "client": change.client,
            "matchers": [str(m) for m in stored[change.silence].matchers] if change.silence in stored else [],
            "comment": stored[change.silence].comment if change.silence in stored else "",
        }
        for change in changes
    ]


def _told(notification: Notification, name: str) -> list[Labels]:
    return [labels for labels in notification.alerts if name == "" or ("alertname", name) in labels]


def _transition(rule: str, transition: Transition) -> dict[str, Any]:
    return {
        "rule": rule,
        "at_ms": transition.at * 1000,
        "labels": dict(transition.labels),
        "state": transition.state,
        "value": transition.value,
    }


def _notification(notification: Notification, told: Sequence[Labels]) -> dict[str, Any]:
    return {
        "at_ms": notification.at * 1000,
        "receiver": notification.receiver,
        "integration": notification.integration,
        "status": notification.status,
        "outcome": notification.outcome,
        "error": notification.error,
        "attempts": notification.attempts,
        "group_labels": dict(notification.group_labels),
        "names": sorted({dict(labels).get("alertname", "") for labels in told}),
        "alerts": [dict(labels) for labels in told[:_MOST_NOTIFIED]],
        "alert_count": len(told),
    }


def _silence(silence: Silence, now: float) -> dict[str, Any]:
    stored = silence.stored
    return {
        "id": stored.id,
        "state": silence.state(now),
        "matchers": [str(matcher) for matcher in stored.matchers],
        "starts_ms": stored.starts_at * 1000,
        "ends_ms": stored.ends_at * 1000,
        "created_by": stored.created_by,
        "comment": stored.comment,
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
