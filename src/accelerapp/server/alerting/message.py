"""What templates and webhooks are given of a notification, in the form of Alertmanager's template data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, ClassVar, Final

from accelerapp.server.alerting.fingerprint import fingerprint
from accelerapp.server.alerting.notice import Notice
from accelerapp.server.gotemplate import Object, Struct, Time
from accelerapp.server.signals import Alert, Labels

_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


class Strings(tuple[str, ...], Object):
    """Texts that can be joined."""

    __slots__ = ()
    methods: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "Join": lambda self, separator: separator.join(self)
    }


class Pairs(tuple[Struct, ...], Object):
    """Labels in order, each with its name and value."""

    __slots__ = ()
    methods: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "Names": lambda self: Strings(pair["Name"] for pair in self),
        "Values": lambda self: Strings(pair["Value"] for pair in self),
        "String": lambda self: self.text(),
    }

    def text(self) -> str:
        return ", ".join(f"{pair['Name']}={pair['Value']}" for pair in self)


class KV(dict[str, str], Object):
    """Labels or annotations."""

    def pairs(self) -> Pairs:
        """Return them in order of their names, the alert's name before all others."""
        ordered = sorted(self.items(), key=lambda item: (item[0] != "alertname", item[0]))
        return Pairs(Struct(Name=name, Value=value) for name, value in ordered)

    def without(self, names: Iterable[str]) -> KV:
        left_out = set(names)
        return KV({name: value for name, value in self.items() if name not in left_out})

    def text(self) -> str:
        return self.pairs().text()

    methods: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "SortedPairs": pairs,
        "Remove": without,
        "Names": lambda self: self.pairs().methods["Names"](self.pairs()),
        "Values": lambda self: self.pairs().methods["Values"](self.pairs()),
        "String": text,
    }


class Alerts(tuple[Struct, ...], Object):
    """The alerts of a notification."""

    __slots__ = ()
    methods: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "Firing": lambda self: [alert for alert in self if alert["Status"] == "firing"],
        "Resolved": lambda self: [alert for alert in self if alert["Status"] == "resolved"],
    }


class _Named(Struct):
    """A struct whose fields have names of their own in JSON."""

    def json_name(self, field: str) -> str:
        return _JSON_NAMES.get(field, field[0].lower() + field[1:])


_JSON_NAMES: Final = {"NotificationReason": "notification_reason"}


def message(notice: Notice, alerts: tuple[Alert, ...] | None = None) -> Struct:
    """Return what a template's dot is: the notice, or as much of it as `alerts` has."""
    told = notice.alerts if alerts is None else alerts
    return _Named(
        # Alertmanager escapes the name for use in a regular expression.
        Receiver=_SPECIAL.sub(r"\\\g<0>", notice.receiver),
        Status="firing" if any(not alert.resolved(notice.now) for alert in told) else "resolved",
        Alerts=Alerts(_alert(alert, notice.now) for alert in told),
        NotificationReason=notice.reason,
        GroupLabels=KV(notice.group_labels),
        CommonLabels=_common([alert.labels for alert in told]),
        CommonAnnotations=_common([alert.annotations for alert in told]),
        RouteLabels=KV(),
        ExternalURL=notice.external_url,
    )


def _alert(alert: Alert, now: float) -> Struct:
    resolved = alert.resolved(now)
    return _Named(
        Status="resolved" if resolved else "firing",
        Labels=KV(alert.labels),
        Annotations=KV(alert.annotations),
        StartsAt=Time.of(alert.starts_at),
        EndsAt=Time.of(alert.ends_at) if resolved else Time(),
        GeneratorURL=alert.generator_url,
        Fingerprint=fingerprint(alert.labels),
    )


def _common(sets: list[Labels]) -> KV:
    if not sets:
        return KV()
    shared = reduce(lambda first, second: first & second, (set(labels) for labels in sets))
    return KV(sorted(shared))
