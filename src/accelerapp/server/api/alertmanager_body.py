"""Alerts and silences as Alertmanager's API takes and gives them."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request

from accelerapp.server.alerting import AlertStatus, Silence, fingerprint
from accelerapp.server.signals import Alert, Labels, Matcher, MatchType, make_labels
from accelerapp.server.storage.state import StoredSilence

_MAX_BODY: Final = 8 << 20
#: A body that is larger is parsed on a thread.
_LARGE: Final = 64 << 10
_KINDS: Final = {
    (True, False): MatchType.EQUAL,
    (False, False): MatchType.NOT_EQUAL,
    (True, True): MatchType.REGEX,
    (False, True): MatchType.NOT_REGEX,
}
#: Year 1, which clients write where they mean no time.
_NO_TIME: Final = -62_135_596_800.0
#: The end of year 9999: times in zones behind UTC may be later, and could not be written.
_LAST_TIME: Final = 253_402_300_799.0


class BodyError(Exception):
    """A request does not have the form that the API's description asks for; `code` is that of the description."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status: codes of 600 and above are the description's own."""
        return 422 if self.code >= 600 else self.code


async def body_of(request: Request, name: str) -> Any:
    """Return the JSON of a request's body; raises BodyError.

    A body must be declared as JSON: what another page may send without asking, a form or plain text, is refused.
    """
    kind = request.headers.get("content-type", "")
    media_type = kind.partition(";")[0].strip().lower()
    if media_type != "application/json":
        shown = media_type or "application/octet-stream"
        raise BodyError(415, f'unsupported media type "{shown}", only [application/json] are allowed')
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > _MAX_BODY:
            raise BodyError(413, f"the body is larger than {_MAX_BODY >> 20} MiB; send fewer at a time")
    if not raw:
        raise BodyError(602, f"{name} in body is required")
    try:
        return await asyncio.to_thread(orjson.loads, raw) if len(raw) > _LARGE else orjson.loads(raw)
    except ValueError as error:
        raise BodyError(400, f'parsing {name} body from "" failed, because {error}') from error


def date_time(seconds: float) -> str:
    """Write Unix seconds as the API does, to the millisecond."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def alert_json(
    alert: Alert, status: AlertStatus, updated_at: float, receivers: Sequence[str], muted_by: Sequence[str]
) -> dict[str, Any]:
    """Return an alert as the API gives it; `updated_at` is Unix seconds."""
    made: dict[str, Any] = {
        "annotations": dict(alert.annotations),
        "endsAt": date_time(alert.ends_at),
        "fingerprint": fingerprint(alert.labels),
        "receivers": [{"name": name} for name in receivers],
        "startsAt": date_time(alert.starts_at),
        "status": {
            "inhibitedBy": list(status.inhibited_by),
            "mutedBy": list(muted_by),
            "silencedBy": list(status.silenced_by),
            "state": "suppressed" if muted_by else status.state,
        },
        "updatedAt": date_time(updated_at),
        "labels": dict(alert.labels),
    }
    if alert.generator_url:
        made["generatorURL"] = alert.generator_url
    return made


def silence_json(silence: Silence, now: float) -> dict[str, Any]:
    """Return a silence as the API gives it."""
    stored = silence.stored
    return {
        "id": stored.id,
        "status": {"state": silence.state(now)},
        "updatedAt": date_time(stored.updated_at),
        # Alertmanager leaves them out where there are none.
        **({"annotations": dict(stored.annotations)} if stored.annotations else {}),
        "comment": stored.comment,
        "createdBy": stored.created_by,
        "endsAt": date_time(stored.ends_at),
        "matchers": [
            {
                "isEqual": matcher.type in (MatchType.EQUAL, MatchType.REGEX),
                "isRegex": matcher.type in (MatchType.REGEX, MatchType.NOT_REGEX),
                "name": matcher.name,
                "value": matcher.value,
            }
            for matcher in stored.matchers
        ],
        "startsAt": date_time(stored.starts_at),
    }


def posted_alerts(body: Any, now: float, patience: float) -> tuple[list[Alert], list[bool], list[str]]:
    """Read alerts: those that are valid, whether the end of each is a guess, and what is wrong with the others.

    `now` is Unix seconds; an alert without an end is believed for `patience` seconds. Raises BodyError.
    """
    if not isinstance(body, list):
        raise BodyError(400, 'parsing alerts body from "" failed, because it is not a list of alerts')
    alerts: list[Alert] = []
    guessed: list[bool] = []
    problems: list[str] = []
    for index, item in enumerate(body):
        where = f"{index}"
        given = _object(item, where)
        labels = make_labels(_label_set(given, "labels", where, required=True))
        starts_at, ends_at = _time(given, "startsAt", where), _time(given, "endsAt", where)
        guess = ends_at is None
        if starts_at is None:
            starts_at = now if ends_at is None else ends_at
        if ends_at is None:
            ends_at = now + patience
        problem = ""
        if ends_at < starts_at:
            problem = "start time must be before end time"
        elif not labels:
            problem = "at least one label pair required"
        elif any(not name for name, _ in labels):
            problem = 'invalid label set: invalid name ""'
        if problem:
            problems.append(problem)
            continue
        annotations = _label_set(given, "annotations", where)
        alert = Alert(labels, tuple(sorted(annotations.items())), starts_at, ends_at, _url(given, where))
        alerts.append(alert)
        guessed.append(guess)
    return alerts, guessed, problems


def posted_silence(body: Any) -> StoredSilence:
    """Read a silence; raises BodyError."""
    given = _object(body, "silence")
    for name in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
        if given.get(name) is None:
            raise BodyError(602, f"{name} in body is required")
    matchers = given["matchers"]
    if not isinstance(matchers, list):
        raise BodyError(400, 'parsing silence body from "" failed, because matchers is not a list')
    if not matchers:
        raise BodyError(612, "matchers in body should have at least 1 items")
    starts_at, ends_at = _time(given, "startsAt", ""), _time(given, "endsAt", "")
    return StoredSilence(
        id=_text(given, "id", ""),
        matchers=tuple(_matcher(matcher, f"matchers.{index}") for index, matcher in enumerate(matchers)),
        starts_at=_NO_TIME if starts_at is None else starts_at,
        ends_at=_NO_TIME if ends_at is None else ends_at,
        updated_at=0.0,
        created_by=_text(given, "createdBy", ""),
        comment=_text(given, "comment", ""),
        annotations=_sorted(_label_set(given, "annotations", "")),
    )


def _matcher(value: Any, where: str) -> Matcher:
    given = _object(value, where)
    for name in ("isRegex", "name", "value"):
        if given.get(name) is None:
            raise BodyError(602, f"{where}.{name} in body is required")
    equal, regex = given.get("isEqual"), given["isRegex"]
    if not isinstance(regex, bool) or not isinstance(equal, bool | None):
        raise BodyError(400, f'parsing silence body from "" failed, because {where} is no matcher')
    kind = _KINDS[equal is not False, regex]
    return Matcher(_text(given, "name", where), kind, _text(given, "value", where))


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BodyError(400, f'parsing body from "" failed, because {where} is not an object')
    return value


def _text(given: Mapping[str, Any], name: str, where: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BodyError(400, f'parsing body from "" failed, because {_place(where, name)} is not a string')
    return value


def _label_set(given: Mapping[str, Any], name: str, where: str, *, required: bool = False) -> dict[str, str]:
    value = given.get(name)
    if value is None:
        if required:
            raise BodyError(602, f"{_place(where, name)} in body is required")
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise BodyError(
            400, f'parsing body from "" failed, because {_place(where, name)} is not an object of strings'
        )
    return value


def _time(given: Mapping[str, Any], name: str, where: str) -> float | None:
    text = _text(given, name, where)
    if not text:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        seconds = (moment - datetime.datetime.fromtimestamp(0, datetime.UTC)).total_seconds()
    except (ValueError, OverflowError) as error:
        raise BodyError(
            400, f'parsing body from "" failed, because {_place(where, name)} is no time: "{text[:80]}"'
        ) from error
    return None if seconds <= _NO_TIME else min(seconds, _LAST_TIME)


def _url(given: Mapping[str, Any], where: str) -> str:
    text = _text(given, "generatorURL", where)
    try:
        parts = urlsplit(text)
        valid = not text or text.startswith("/") or (parts.scheme in ("http", "https") and bool(parts.netloc))
    except ValueError:
        valid = False
    if not valid:
        raise BodyError(601, f'{_place(where, "generatorURL")} in body must be of type uri: "{text[:80]}"')
    return text


def _place(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _sorted(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))
