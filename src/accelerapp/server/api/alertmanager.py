"""Alertmanager's HTTP API, version 2, in the form and with the errors of the original."""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from accelerapp.server.alerting import (
    AlertStatus,
    GroupStatus,
    Matchers,
    Silence,
    SilenceError,
    SilenceNotFoundError,
    parse_matchers,
)
from accelerapp.server.api.alertmanager_body import (
    BodyError,
    alert_json,
    body_of,
    date_time,
    posted_alerts,
    posted_silence,
    silence_json,
)
from accelerapp.server.api.answer import json_response
from accelerapp.server.api.services import Services
from accelerapp.server.regex import InvalidPatternError, compile_re2
from accelerapp.server.signals import Alert, Labels, Matcher

PREFIX: Final = "/api/v2"
#: The version of Alertmanager whose API this is: amtool warns at every call where it is another one's.
ALERTMANAGER_VERSION: Final = "0.34.2"
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_TRUE: Final = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
_STATE_ORDER: Final = ("active", "pending", "expired")


class _BadRequestError(Exception):
    """What the API answers with status 400 and the message as a JSON string."""


Handler = Callable[[Request], Awaitable[Any]]


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return what a handler returns as JSON, and what it raises as Alertmanager does."""

    @functools.wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            found = await handler(request)
            response = found if isinstance(found, Response) else json_response(found)
        except (_BadRequestError, SilenceError) as error:
            status = 404 if isinstance(error, SilenceNotFoundError) else 400
            response = json_response(str(error), status)
        except BodyError as error:
            response = json_response({"code": error.code, "message": str(error)}, error.status)
        response.headers["cache-control"] = "no-store"
        return response

    return answer


def _route(path: str, **handlers: Handler) -> Route:
    """Make the route of a path, with its handlers by their methods."""

    async def handle(request: Request) -> Any:
        return await handlers[request.method if request.method in handlers else "GET"](request)

    return Route(f"{PREFIX}{path}", _endpoint(handle), methods=list(handlers))


def routes(services: Services) -> list[Route]:
    """Return the routes of the API over a running observatory."""
    return [*_general(services), *_alerts(services), *_silences(services)]


def _general(services: Services) -> list[Route]:
    async def status(_: Request) -> Any:
        return {
            "cluster": {"peers": [], "status": "disabled"},
            "config": {"original": services.alertmanager.config.original},
            "uptime": date_time(services.started_at),
            "versionInfo": {
                "branch": "",
                "buildDate": "",
                "buildUser": "",
                "goVersion": "",
                "revision": services.revision,
                "version": ALERTMANAGER_VERSION,
            },
        }

    async def receivers(request: Request) -> Any:
        wanted = _matchers(request, "receiver_matchers")
        return [
            {"labels": dict(receiver.labels), "name": receiver.name}
            for receiver in services.alertmanager.config.receivers.values()
            if wanted.match(receiver.labels)
        ]

    return [
        _route("/status", GET=status),
        _route("/receivers", GET=receivers),
    ]


class _Wanted:
    """Which alerts a request asks for."""

    def __init__(self, request: Request, services: Services) -> None:
        self._manager = services.alertmanager
        self._now = services.clock()
        self._quiet = self._manager.quiet()
        self._labels = _matchers(request, "filter")
        self._receiver_labels = _matchers(request, "receiver_matchers")
        self._receiver = _receiver_filter(request)
        self.active = _flag(request, "active")
        self.silenced = _flag(request, "silenced")
        self.inhibited = _flag(request, "inhibited")
        _flag(request, "unprocessed")  # every alert here has been processed

    def of_receiver(self, names: Sequence[str]) -> bool:
        receivers = self._manager.config.receivers
        if self._receiver is not None and not any(self._receiver.match(name) for name in names):
            return False
        return any(self._receiver_labels.match(receivers[name].labels) for name in names)

    def status(self, alert: Alert) -> AlertStatus | None:
        """Return what keeps an alert quiet, None where the alert is not asked for."""
        if alert.resolved(self._now) or not self._labels.match(dict(alert.labels)):
            return None
        status = self._quiet(alert.labels)
        wanted = (
            (self.active or status.state != "active")
            and (self.silenced or not status.silenced_by)
            and (self.inhibited or not status.inhibited_by)
        )
        return status if wanted else None


def _alerts(services: Services) -> list[Route]:
    def shown(alert: Alert, status: AlertStatus, muted_by: Sequence[str] = ()) -> dict[str, Any]:
        return alert_json(
            alert,
            status,
            services.alertmanager.updated_at(alert.labels),
            _receivers(services, alert.labels),
            muted_by,
        )

    def alerts_of(wanted: _Wanted) -> Any:
        found = [
            shown(alert, status)
            for alert in services.alertmanager.alerts()
            if wanted.of_receiver(_receivers(services, alert.labels))
            and (status := wanted.status(alert)) is not None
        ]
        return sorted(found, key=lambda alert: str(alert["fingerprint"]))

    async def get_alerts(request: Request) -> Any:
        return await services.in_query_thread(alerts_of, _Wanted(request, services))

    async def post_alerts(request: Request) -> Any:
        config = services.alertmanager.config
        patience = config.global_settings.resolve_timeout / config.time_factor
        body = await body_of(request, "alerts")
        alerts, guessed, problems = await asyncio.to_thread(posted_alerts, body, services.clock(), patience)
        refused = await services.alertmanager.take(alerts, guessed)
        if refused:
            return json_response(f"{refused} alerts were not taken, since too many are kept", 500)
        if problems:
            raise _BadRequestError("\n".join(problems))
        return Response()

    def groups_of(wanted: _Wanted, *, muted: bool) -> Any:
        found = []
        for group in services.alertmanager.groups():
            if not wanted.of_receiver([group.receiver]) or (group.muted_by and not muted):
                continue
            alerts = [
                shown(alert, status, group.muted_by)
                for alert in group.alerts
                if (status := wanted.status(alert)) is not None
            ]
            if alerts:
                found.append(_group(group, alerts))
        return found

    async def groups(request: Request) -> Any:
        wanted, muted = _Wanted(request, services), _flag(request, "muted")
        return await services.in_query_thread(groups_of, wanted, muted=muted)

    return [
        _route("/alerts", GET=get_alerts, POST=post_alerts),
        _route("/alerts/groups", GET=groups),
    ]


def _group(group: GroupStatus, alerts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "alerts": alerts,
        "labels": dict(group.labels),
        "receiver": {"name": group.receiver},
        "routeLabels": {},
    }


def _silences(services: Services) -> list[Route]:
    def silences_of(wanted: set[Matcher], states: list[str]) -> Any:
        now = services.clock()

        def order(silence: Silence) -> tuple[int, float]:
            state = silence.state(now)
            by = {
                "active": silence.stored.ends_at,
                "pending": silence.stored.starts_at,
                "expired": -silence.stored.ends_at,
            }
            return _STATE_ORDER.index(state), by[state]

        found = [
            silence
            for silence in services.alertmanager.silences.all()
            if silence.state(now) in states and wanted <= set(silence.matchers.matchers)
        ]
        return [silence_json(silence, now) for silence in sorted(found, key=order)]

    async def get_silences(request: Request) -> Any:
        wanted = set(_matchers(request, "filter").matchers)
        states = [state for state in _STATE_ORDER if _flag(request, state)]
        # There may be ten thousand, and the page asks for them again and again.
        return await services.in_query_thread(silences_of, wanted, states)

    async def post_silences(request: Request) -> Any:
        wanted = posted_silence(await body_of(request, "silence"))
        if wanted.starts_at >= wanted.ends_at:
            raise _BadRequestError("Failed to create silence: start time must be before end time")
        if wanted.ends_at < services.clock():
            raise _BadRequestError("Failed to create silence: end time can't be in the past")
        client = request.client.host if request.client else ""
        return {"silenceID": await asyncio.to_thread(services.alertmanager.silences.set, wanted, client)}

    async def get_silence(request: Request) -> Any:
        try:
            return silence_json(services.alertmanager.silences.get(_silence_id(request)), services.clock())
        except SilenceNotFoundError:
            return Response(status_code=404)

    async def delete_silence(request: Request) -> Any:
        client = request.client.host if request.client else ""
        try:
            await asyncio.to_thread(services.alertmanager.silences.expire, _silence_id(request), client)
        except SilenceNotFoundError:
            return Response(status_code=404)
        return Response()

    return [
        _route("/silences", GET=get_silences, POST=post_silences),
        _route("/silence/{id}", GET=get_silence, DELETE=delete_silence),
    ]


def _receivers(services: Services, labels: Labels) -> list[str]:
    return [route.receiver for route in services.alertmanager.config.route.match(dict(labels))]


def _matchers(request: Request, name: str) -> Matchers:
    """Read a parameter that may be repeated, with one matcher each time."""
    found = []
    for text in request.query_params.getlist(name):
        try:
            parsed = parse_matchers(text)
        except ValueError as error:
            raise _BadRequestError(f"bad matcher format: {error}") from error
        if len(parsed) != 1:
            raise _BadRequestError(f"expected 1 matcher, found {len(parsed)}")
        found.extend(parsed)
    return Matchers.of(found)


def _receiver_filter(request: Request) -> Any:
    pattern = request.query_params.get("receiver")
    if not pattern:
        return None
    try:
        return compile_re2(f"^(?:{pattern})$")
    except InvalidPatternError as error:
        raise _BadRequestError(f"failed to parse receiver param: {error}") from error


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name)
    # As Alertmanager reads it, what does not say yes says no.
    return text is None or text.lower() in _TRUE


def _silence_id(request: Request) -> str:
    found = str(request.path_params["id"])
    if not _UUID.fullmatch(found):
        raise BodyError(601, f'silenceID in path must be of type uuid: "{found[:80]}"')
    return found
