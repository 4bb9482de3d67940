"""The observatory's status, dashboards, alerts and playbooks as the page asks for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from accelerapp.server.alerting import AlertStatus as Quiet
from accelerapp.server.alerting import Silence
from accelerapp.server.api.answer import NotFoundError, own
from accelerapp.server.api.services import Services
from accelerapp.server.oncall import condition_of
from accelerapp.server.rules import AlertStatus, RuleStatus
from accelerapp.server.signals import Labels
from accelerapp.server.storage.state import Notification

PREFIX = "/api/accelerapp/v1"
#: How much of the transitions and notifications is shown, in seconds before now.
_HISTORY = 24 * 3600.0


def routes(services: Services) -> list[Route]:
    """Return the routes over a running observatory."""

    async def status(_: Request) -> Any:
        return {
            "version": services.version,
            "revision": services.revision,
            "time_factor": services.time_factor,
            "started_ms": services.started_at * 1000,
            "ports": dict(services.ports()),
            "storage": dict(services.storage_stats()),
            "alerting": dataclasses.asdict(services.alertmanager.load()),
            "receivers": [
                {
                    "name": receiver.name,
                    "integrations": [
                        {
                            "type": integration.type,
                            "status": integration.status,
                            "detail": integration.detail,
                            "notifications": integration.notifications,
                            "failed": integration.failed,
                            "last_error": integration.last_error,
                            "last_attempt_ms": _ms(integration.last_attempt),
                        }
                        for integration in receiver.integrations
                    ],
                }
                for receiver in services.alertmanager.receivers()
            ],
        }

    async def dashboards(_: Request) -> Any:
        return [{"uid": d.uid, "title": d.title} for d in services.dashboards.values()]

    async def dashboard(request: Request) -> Any:
        uid = request.path_params["uid"]
        if uid not in services.dashboards:
            known = ", ".join(services.dashboards) or "none"
            raise NotFoundError(f"no dashboard with the uid {uid[:80]!r}; there are: {known}")
        return services.dashboards[uid].as_json()

    async def alerts(_: Request) -> Any:
        silences, now = services.alertmanager.silences, services.clock()
        return {
            "rules": await services.in_query_thread(_rules, services),
            "silences": [_silence(silence, now) for silence in silences.all()],
            "silence_changes": [
                {
                    "at_ms": change.at * 1000,
                    "silence": change.silence,
                    "action": change.action,
                    "created_by": change.created_by,
                    "client": change.client,
                }
                for change in await services.in_query_thread(silences.changes, now - _HISTORY)
            ],
        }

    async def playbook(request: Request) -> Any:
        name = request.path_params["name"]
        found = await services.in_query_thread(services.playbooks.render, name)
        if found is None:
            known = ", ".join(services.playbooks.names()) or "none"
            raise NotFoundError(f"no playbook {name[:80]!r}; there are: {known}")
        return {"name": found.name, "title": found.title, "html": found.html}

    async def runbook(request: Request) -> Response:
        # Where Prometheus has it too (--web.user-assets), so that the links of the shipped alerts lead somewhere here.
        text = await services.in_query_thread(services.playbooks.source, request.path_params["name"])
        return PlainTextResponse("404 page not found\n", 404) if text is None else PlainTextResponse(text)

    return [
        Route(f"{PREFIX}/status", own(status)),
        Route(f"{PREFIX}/dashboards", own(dashboards)),
        Route(f"{PREFIX}/dashboards/{{uid}}", own(dashboard)),
        Route(f"{PREFIX}/alerts", own(alerts)),
        Route(f"{PREFIX}/playbooks/{{name}}", own(playbook)),
        Route("/user/{name}.md", runbook),
    ]


def _rules(services: Services) -> list[dict[str, Any]]:
    since = services.clock() - _HISTORY
    notifications, quiet = services.alertmanager.notifications(since), services.alertmanager.quiet()
    return [
        _rule(services, group.group.name, rule, since, notifications, quiet)
        for group in services.rules.groups()
        for rule in group.rules
        if rule.rule.alerting
    ]


def _rule(
    services: Services,
    group: str,
    status: RuleStatus,
    since: float,
    notifications: Sequence[Notification],
    quiet: Callable[[Labels], Quiet],
) -> dict[str, Any]:
    rule = status.rule
    condition = condition_of(rule.expr)
    return {
        "name": rule.name,
        "group": group,
        "state": status.state,
        "health": status.health,
        "last_error": status.last_error,
        "expr": rule.expr_text,
        "query": rule.query,
        "graph_query": str(condition.watched),
        "threshold": condition.threshold,
        "comparison": condition.comparison,
        "for_seconds": rule.for_seconds_as_written,
        "effective_for_seconds": rule.for_seconds,
        "labels": rule.label_texts,
        "annotations": rule.annotation_texts,
        "title": rule.title,
        "playbook": services.playbooks.named_by(rule.annotation_texts.get("runbook_url", "")),
        "alerts": [_alert(alert, quiet(services.rules.as_sent(alert.labels))) for alert in status.alerts],
        "transitions": [
            {"at_ms": t.at * 1000, "labels": dict(t.labels), "state": t.state, "value": t.value}
            for t in services.rules.history(rule.name, since)
        ],
        "notifications": [
            _notification(notification)
            for notification in notifications
            if any(_names(labels, rule.name) for labels in notification.alerts)
        ],
    }


def _names(labels: Labels, alertname: str) -> bool:
    return ("alertname", alertname) in labels


def _alert(alert: AlertStatus, status: Quiet) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state,
        "active_ms": alert.active_at * 1000,
        "fired_ms": _ms(alert.fired_at),
        "value": alert.value,
        "silenced_by": list(status.silenced_by),
        "inhibited_by": list(status.inhibited_by),
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


def _notification(notification: Notification) -> dict[str, Any]:
    return {
        "at_ms": notification.at * 1000,
        "receiver": notification.receiver,
        "integration": notification.integration,
        "status": notification.status,
        "outcome": notification.outcome,
        "error": notification.error,
        "attempts": notification.attempts,
        "group_labels": dict(notification.group_labels),
    }


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
