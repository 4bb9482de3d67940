"""The functions that Alertmanager adds for notifications."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote_plus

import orjson

from accelerapp.server.gotemplate.builtins import Functions
from accelerapp.server.gotemplate.escapers import SafeUrl
from accelerapp.server.gotemplate.functions import SHARED_FUNCTIONS
from accelerapp.server.gotemplate.moments import Duration, Time
from accelerapp.server.gotemplate.values import Struct
from accelerapp.server.numbers import special

_WORD: Final = re.compile(r"\w+(?:['.:·’]\w+)*")
_LETTER: Final = re.compile(r"[^\W\d_]")
_IN_JSON: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9a-fA-F]{2}).{0,2}", re.DOTALL)


def title_case(text: str) -> str:
    """Raise the first letter of each word and lower the others; a word may hold an apostrophe."""
    return _WORD.sub(lambda word: _LETTER.sub(lambda first: first[0].title(), word[0].lower(), count=1), text)


def unescape(text: str) -> str:
    bad = _BAD_ESCAPE.search(text)
    if bad:
        raise ValueError(f'invalid URL escape "{bad[0]}"')
    return unquote_plus(text)


def to_json(value: Any) -> str:
    """Write a value as Go's encoding/json does, with <, > and & escaped."""
    text = orjson.dumps(json_value(value)).decode()
    return re.sub("[<>&\u2028\u2029]", lambda found: _IN_JSON[found[0]], text)


def json_value(value: Any) -> Any:
    """Return what orjson writes of a template's value; raises ValueError where JSON has nothing for it."""
    if isinstance(value, Time):
        return value.rfc3339()
    if isinstance(value, Duration):
        return int(value)
    if isinstance(value, Struct):
        return {value.json_name(name): json_value(item) for name, item in value.items()}
    if isinstance(value, Mapping):
        return {str(name): json_value(item) for name, item in sorted(value.items())}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence):
        return [json_value(item) for item in value]
    if isinstance(value, float) and special(value) is not None:
        raise ValueError(f"json: unsupported value: {special(value)}")
    return value


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"illegal base64 data: {error}") from error


def _join(separator: str, parts: Sequence[str]) -> str:
    if isinstance(parts, str):
        raise ValueError("can't handle a string where a list of strings is expected")
    return separator.join(parts)


def _dict(*values: Any) -> dict[str, Any]:
    if len(values) % 2:
        raise ValueError("dict requires an even number of arguments")
    if not all(isinstance(key, str) for key in values[::2]):
        raise ValueError("dict keys must be strings")
    return dict(zip(values[::2], values[1::2], strict=True))


def notification_functions(now: Callable[[], float]) -> Functions:
    """Return what a notification's template may call besides Go's own functions; `now` gives Unix seconds."""
    return {
        **ALERTMANAGER_FUNCTIONS,
        "now": lambda: Time.of(now()),
        "since": lambda then: _since(now(), then),
    }


def _since(now: float, then: Time) -> Duration:
    return Duration(Time.of(now).nanoseconds - then.nanoseconds)


def _needs_clock(*_: Any) -> Any:
    raise ValueError("is known only where the notification is made")


#: All that a template may name; those that depend on the time are replaced by `notification_functions`.
ALERTMANAGER_FUNCTIONS: Final[Functions] = {
    **SHARED_FUNCTIONS,
    **dict.fromkeys(("now", "since"), _needs_clock),
    "title": title_case,
    "trimSpace": str.strip,
    "join": _join,
    "stringSlice": lambda *parts: list(parts),
    "safeUrl": SafeUrl,
    "urlUnescape": unescape,
    "date": lambda layout, time: time.format(layout),
    "tz": lambda name, time: time.into(name),
    "toJson": to_json,
    "base64encode": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64decode": _decoded,
    "list": lambda *values: list(values),
    "append": lambda values, *more: [*values, *more],
    "dict": _dict,
}

#: What Alertmanager has and we do not, each with the reason.
ALERTMANAGER_UNSUPPORTED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("toDate", "mustToDate"), "times are not read from texts; use .StartsAt or .EndsAt"),
    "routeLabels": "routes have no labels here; use .CommonLabels or .GroupLabels",
    "call": "there are no function values to call",
}
