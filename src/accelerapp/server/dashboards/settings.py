"""Tables of settings: one says where each stands in the file and what it is called in the page's form.

What is in the file and not in its table, or has a value that the table does not know, is named and never dropped.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accelerapp.server.dashboards.fields import is_empty, short


class NotHonouredError(ValueError):
    """A setting has a value that the page does not honour."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its path in the file, its path in the form ("" where it is only recognised), and its default."""

    path: str
    name: str
    default: Any
    read: Callable[[Any], Any]


class Settings:
    """A table of settings by their paths, such as `legend.showLegend`."""

    def __init__(self, *settings: Setting) -> None:
        self._settings = {one.path: one for one in settings}
        self._parents = {path[:i] for path in self._settings for i, char in enumerate(path) if char == "."}

    def __add__(self, other: Settings) -> Settings:
        return Settings(*self._settings.values(), *other._settings.values())

    def under(self, path: str, name: str) -> Settings:
        """Return the table as a part of another: its paths below `path`, its names below `name`."""
        return Settings(
            *(
                replace(one, path=f"{path}.{one.path}", name=f"{name}.{one.name}" if one.name else "")
                for one in self._settings.values()
            )
        )

    def with_defaults(self, **defaults: Any) -> Settings:
        """Return the table with other defaults for some of the names."""
        return Settings(
            *(replace(one, default=defaults.get(one.name, one.default)) for one in self._settings.values())
        )

    def defaults(self) -> dict[str, Any]:
        form: dict[str, Any] = {}
        for one in self._settings.values():
            if one.name:
                _put(form, one.name, copy.deepcopy(one.default))
        return form

    def read(self, values: dict[str, Any], prefix: str = "") -> tuple[dict[str, Any], list[str]]:
        """Return the whole form of an object of the file, and notes of what is not honoured.

        `prefix` stands before the paths in the notes.
        """
        form = self.defaults()
        notes: list[str] = []
        for name, value in self._each("", values, prefix, notes):
            _put(form, name, value)
        return form, notes

    def read_part(
        self, values: dict[str, Any], whole: dict[str, Any], open_part: str
    ) -> tuple[dict[str, Any], list[str]]:
        """Return the form of only what is set, and notes.

        A part of the form of which something is set is there wholly, its rest as in `whole`; but not `open_part`.
        """
        form: dict[str, Any] = {}
        notes: list[str] = []
        for name, item in self._each("", values, "", notes):
            parent = name.rpartition(".")[0]
            if parent and parent != open_part and _get(form, parent) is None:
                _put(form, parent, copy.deepcopy(_get(whole, parent)))
            _put(form, name, item)
        return form, notes

    def _each(
        self, path: str, values: dict[str, Any], prefix: str, notes: list[str]
    ) -> Iterable[tuple[str, Any]]:
        for key, value in values.items():
            yield from self._at(f"{path}.{key}" if path else key, value, prefix, notes)

    def _at(self, path: str, value: Any, prefix: str, notes: list[str]) -> Iterable[tuple[str, Any]]:
        setting = self._settings.get(path)
        if setting is not None:
            if value is None:
                return
            try:
                read = setting.read(value)
            except NotHonouredError:
                notes.append(f"{prefix}{path} = {short(value)}")
                return
            if setting.name:
                yield setting.name, read
        elif path in self._parents and isinstance(value, dict):
            yield from self._each(path, value, prefix, notes)
        elif not is_empty(value):
            notes.append(f"{prefix}{path} = {short(value)}")


def _put(form: dict[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        form = form.setdefault(parent, {})
    form[last] = value


def _get(form: dict[str, Any], name: str) -> Any:
    found: Any = form
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def choice(path: str, name: str, *words: str) -> Setting:
    """Return a setting that is one of some words; the first is the default."""

    def read(value: Any) -> Any:
        if value == "":
            return words[0]
        if not isinstance(value, str) or value not in words:
            raise NotHonouredError
        return value

    return Setting(path, name, words[0], read)


def renamed(path: str, name: str, default: Any, words: dict[Any, Any]) -> Setting:
    """Return a setting whose values have other names in the form."""

    def read(value: Any) -> Any:
        if isinstance(value, list | dict) or value not in words:
            raise NotHonouredError
        return words[value]

    return Setting(path, name, default, read)


def flag(path: str, name: str, default: bool) -> Setting:
    def read(value: Any) -> Any:
        if not isinstance(value, bool):
            raise NotHonouredError
        return value

    return Setting(path, name, default, read)


def as_number(value: Any) -> float | None:
    """Return a number, also one in a text as old files have it; None for an empty text. Raises NotHonouredError."""
    if isinstance(value, str):
        if not value.strip() or value == "auto":
            return None
        try:
            value = float(value)
        except ValueError:
            raise NotHonouredError from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotHonouredError
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def number(path: str, name: str, default: float | None = None) -> Setting:
    def read(value: Any) -> Any:
        found = as_number(value)
        return default if found is None else found

    return Setting(path, name, default, read)


def text(path: str, name: str, default: str = "") -> Setting:
    def read(value: Any) -> Any:
        if isinstance(value, bool | list | dict):
            raise NotHonouredError
        return str(value)

    return Setting(path, name, default, read)


def texts(path: str, name: str, known: Sequence[str] = ()) -> Setting:
    """Return a setting that is a list of texts, of the `known` ones where some are given."""

    def read(value: Any) -> Any:
        found = [value] if isinstance(value, str) and value else value
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise NotHonouredError
        if known and not set(found) <= set(known):
            raise NotHonouredError
        return found

    return Setting(path, name, [], read)


def either(path: str, name: str, default: bool | float) -> Setting:
    """Return a setting that is true, false, or a number."""

    def read(value: Any) -> Any:
        return value if isinstance(value, bool) else as_number(value) or False

    return Setting(path, name, default, read)


def accepted(path: str, *values: Any) -> Setting:
    """Return a setting that is not in the form: these values of it ask for nothing, all others are named."""

    def read(value: Any) -> Any:
        if not is_empty(value) and not any(
            value == one and isinstance(value, bool) == isinstance(one, bool) for one in values
        ):
            raise NotHonouredError
        return None

    return Setting(path, "", None, read)


def ignored(path: str) -> Setting:
    """Return a setting that has no meaning on the page, whatever its value."""
    return Setting(path, "", None, lambda value: value)
