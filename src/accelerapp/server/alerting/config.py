"""alertmanager.yml into routes, receivers and inhibition rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from accelerapp.server.alerting.inhibit import InhibitRule
from accelerapp.server.alerting.matchers import Matchers, make_matcher, parse_matchers
from accelerapp.server.alerting.overlay import merge_overlay, unreached
from accelerapp.server.alerting.requirements import lacking
from accelerapp.server.alerting.route import Route
from accelerapp.server.alerting.secrets import is_secret
from accelerapp.server.alerting.settings import (
    FileSettings,
    GlobalSettings,
    IntegrationSettings,
    ReceiverSettings,
    RouteSettings,
)
from accelerapp.server.alerting.templates import Templates, parse_file
from accelerapp.server.alerting.timeinterval import NamedIntervals
from accelerapp.server.configfile import (
    ConfigError,
    Document,
    Problem,
    expand_globs,
    read,
    validate,
    written,
)
from accelerapp.server.gotemplate import Template, TemplateError
from accelerapp.server.signals import Matcher

_Path = tuple[str | int, ...]

_GROUP_WAIT: Final = 30.0
_GROUP_INTERVAL: Final = 300.0
_REPEAT_INTERVAL: Final = 4 * 3600.0
_TYPES: Final = ("webhook", "slack", "pagerduty", "email")


@dataclass(frozen=True, slots=True)
class Integration:
    """One entry of a receiver's `*_configs`; `name` is its type and place, as in `webhook[0]`."""

    type: str
    name: str
    settings: IntegrationSettings


@dataclass(frozen=True, slots=True)
class Receiver:
    name: str
    integrations: tuple[Integration, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """What alertmanager.yml says; durations are divided by `time_factor`.

    `original` is the file as it may be shown, with the overlay and without the secrets that stand in it.
    """

    route: Route
    receivers: Mapping[str, Receiver]
    inhibit_rules: tuple[InhibitRule, ...]
    global_settings: GlobalSettings
    templates: Templates
    original: str
    time_factor: float


def load_alertmanager(path: Path, *, overlay: Document | None = None, time_factor: float = 1.0) -> Config:
    """Read a file in the form of Alertmanager's configuration.

    `overlay` may have `receivers`, merged by name (lists of integrations are appended, unknown names added), and
    `route` with `routes` that are appended; a route must use each of its receivers. `time_factor` divides every
    duration of the routes. Raises ConfigError that lists everything wrong; what Alertmanager knows and this version
    does not is refused by name.
    """
    document = read(path)
    settings = validate(document, FileSettings)
    if overlay:
        document = merge_overlay(document, overlay)
        settings = validate(document, FileSettings)
    reader = _Reader(document, settings, time_factor)
    config = reader.config()
    if overlay and not reader.problems:
        reader.problems.extend(unreached(config.route, overlay))
    if reader.problems:
        raise ConfigError(reader.problems)
    return config


class _Reader:
    """Turns checked settings into what is run, and collects what is wrong."""

    def __init__(self, document: Document, settings: FileSettings, time_factor: float) -> None:
        self._document = document
        self._settings = settings
        self._factor = time_factor
        self._names = {receiver.name for receiver in settings.receivers}
        self._intervals: dict[str, NamedIntervals] = {}
        self.problems: list[Problem] = []

    def _note(self, path: _Path, message: str) -> None:
        self.problems.append(self._document.problem(path, message))

    def config(self) -> Config:
        root = self._settings.route
        if root.matchers or root.match or root.match_re:
            self._note(
                ("route",), "the first route takes every alert and has no matchers; move them to `routes`"
            )
        if root.continue_:
            self._note(("route", "continue"), "the first route has no `continue`; remove it")
        if root.mute_time_intervals or root.active_time_intervals:
            self._note(("route",), "the first route has no time intervals; move them to `routes`")
        templates = self._templates()
        self._read_intervals()
        return Config(
            route=self._route(("route",), root, None),
            receivers={
                receiver.name: self._receiver(index, receiver)
                for index, receiver in enumerate(self._settings.receivers)
            },
            inhibit_rules=tuple(self._inhibit_rules()),
            global_settings=self._settings.global_,
            templates=templates,
            original=written(self._document.data, is_secret),
            time_factor=self._factor,
        )

    def _route(self, path: _Path, settings: RouteSettings, parent: Route | None) -> Route:
        receiver = settings.receiver or (parent.receiver if parent else "")
        if not receiver:
            self._note(path, "the first route needs a `receiver`; name one of the receivers")
        elif settings.receiver and receiver not in self._names:
            known = ", ".join(sorted(self._names)) or "none"
            self._note((*path, "receiver"), f'there is no receiver "{receiver}"; there are: {known}')
        matchers = Matchers.of(
            self._matchers(
                path, settings.matchers, settings.match, settings.match_re, ("matchers", "match_re")
            )
        )
        key = f"{parent.key}/{matchers}" if parent else "{}"
        route = Route(
            id="/".join(str(part) for part in path if part != "routes"),
            key=key,
            receiver=receiver,
            matchers=matchers,
            continues=settings.continue_,
            group_by=self._group_by(path, settings, parent),
            group_wait=self._seconds(settings.group_wait, parent.group_wait if parent else None, _GROUP_WAIT),
            group_interval=self._seconds(
                settings.group_interval, parent.group_interval if parent else None, _GROUP_INTERVAL
            ),
            repeat_interval=self._seconds(
                settings.repeat_interval, parent.repeat_interval if parent else None, _REPEAT_INTERVAL
            ),
            active=self._named_intervals((*path, "active_time_intervals"), settings.active_time_intervals),
            mute=self._named_intervals((*path, "mute_time_intervals"), settings.mute_time_intervals),
            routes=(),
        )
        for name in ("group_interval", "repeat_interval"):
            if getattr(settings, name) == 0:
                self._note((*path, name), "must be longer than 0; write a duration such as 5m")
        children = tuple(
            self._route((*path, "routes", index), child, route) for index, child in enumerate(settings.routes)
        )
        return replace(route, routes=children)

    def _read_intervals(self) -> None:
        for key in ("mute_time_intervals", "time_intervals"):
            for index, named in enumerate(getattr(self._settings, key)):
                if not named.name:
                    self._note((key, index), "time intervals need a name; add `name:`")
                elif named.name in self._intervals:
                    self._note(
                        (key, index, "name"), f'there are two time intervals "{named.name}"; rename one'
                    )
                self._intervals[named.name] = named.named()

    def _named_intervals(self, path: _Path, names: Sequence[str]) -> tuple[NamedIntervals, ...]:
        for index, name in enumerate(names):
            if name not in self._intervals:
                known = ", ".join(sorted(self._intervals)) or "none"
                self._note((*path, index), f'there is no time interval "{name}"; there are: {known}')
        return tuple(self._intervals[name] for name in names if name in self._intervals)

    def _seconds(self, own: float | None, inherited: float | None, default: float) -> float:
        if own is not None:
            return own / self._factor
        return default / self._factor if inherited is None else inherited

    def _group_by(self, path: _Path, settings: RouteSettings, parent: Route | None) -> frozenset[str] | None:
        names = settings.group_by
        if names is None:
            return parent.group_by if parent else frozenset()
        if len(set(names)) < len(names):
            self._note((*path, "group_by"), "a label is named twice; remove one")
        if "..." in names:
            if len(names) > 1:
                self._note((*path, "group_by"), "'...' stands for all labels and is given alone")
            return None
        return frozenset(names)

    def _matchers(
        self,
        path: _Path,
        texts: Sequence[str],
        equal: Mapping[str, str],
        regular: Mapping[str, str],
        keys: tuple[str, str],
    ) -> list[Matcher]:
        found = [make_matcher(name, "=", value) for name, value in equal.items()]
        for name, value in regular.items():
            try:
                found.append(make_matcher(name, "=~", value))
            except ValueError as error:
                self._note((*path, keys[1], name), str(error))
        for index, text in enumerate(texts):
            try:
                found.extend(parse_matchers(text))
            except ValueError as error:
                self._note((*path, keys[0], index), str(error))
        return found

    def _receiver(self, index: int, settings: ReceiverSettings) -> Receiver:
        path: _Path = ("receivers", index)
        if not settings.name:
            self._note(path, "a receiver needs a name; add `name:`")
        elif [receiver.name for receiver in self._settings.receivers].index(settings.name) != index:
            self._note((*path, "name"), f'there are two receivers "{settings.name}"; rename one')
        integrations: list[Integration] = []
        for kind in _TYPES:
            for number, entry in enumerate(getattr(settings, f"{kind}_configs")):
                place = (*path, f"{kind}_configs", number)
                if lack := lacking(entry, self._settings.global_):
                    self._note(place, lack)
                integrations.append(Integration(kind, f"{kind}[{number}]", entry))
        if settings.labels.get("name", settings.name) != settings.name:
            self._note(
                (*path, "labels", "name"), f'must be "{settings.name}", the receiver\'s name, or left out'
            )
        return Receiver(settings.name, tuple(integrations), {**settings.labels, "name": settings.name})

    def _inhibit_rules(self) -> Iterator[InhibitRule]:
        for index, rule in enumerate(self._settings.inhibit_rules):
            path = ("inhibit_rules", index)
            source = self._matchers(
                path,
                rule.source_matchers,
                rule.source_match,
                rule.source_match_re,
                ("source_matchers", "source_match_re"),
            )
            target = self._matchers(
                path,
                rule.target_matchers,
                rule.target_match,
                rule.target_match_re,
                ("target_matchers", "target_match_re"),
            )
            yield InhibitRule(Matchers.of(source), Matchers.of(target), tuple(rule.equal))

    def _templates(self) -> Templates:
        """Read the template files, and try every text with an action, so that errors show now and not at night."""
        files: list[tuple[Template, Path]] = []
        for path in expand_globs(self._settings.templates):
            try:
                files.append((parse_file(path), path))
            except (OSError, UnicodeDecodeError) as error:
                self._note(("templates",), f"{path} cannot be read: {error}")
            except TemplateError as error:
                self._note_template(error, path, ())
        templates = Templates(template for template, _ in files)
        for template, path in files:
            for wrong in template.undefined(templates.names.__contains__):
                self._note_template(wrong, path, ())
        sound = not self.problems
        for place, text in _texts(self._document.data.get("receivers") or [], ("receivers",)):
            # What stands where in HTML is not known before all the templates are.
            html = sound and len(place) > 2 and place[2] == "email_configs" and place[-1] == "html"
            try:
                template = templates.html(text) if html else templates.text(text)
            except TemplateError as error:
                self._note_template(error, None, place)
                continue
            for wrong in template.undefined(templates.names.__contains__):
                self._note_template(wrong, None, place)
        return templates

    def _note_template(self, error: TemplateError, file: Path | None, place: _Path) -> None:
        if file is not None:
            self.problems.append(Problem(str(file), error.line, error.column, "", error.message))
        else:
            at = "" if error.name == "template" else f"{error.name}:"
            self._note(
                place, f"the template cannot be used: {at}{error.line}:{error.column}: {error.message}"
            )


def _texts(value: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
    elif isinstance(value, str) and "{{" in value:
        yield path, value
