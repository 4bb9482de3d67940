"""The functions that Prometheus adds for rules and Alertmanager for notifications."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus

from accelerapp.server.gotemplate.builtins import Functions
from accelerapp.server.gotemplate.escapers import SafeHtml
from accelerapp.server.gotemplate.moments import Duration, Time
from accelerapp.server.gotemplate.values import Struct, number
from accelerapp.server.numbers import special
from accelerapp.server.regex import InvalidPatternError, compile_re2
from accelerapp.server.times import parse_duration

_LARGER: Final = ("", "k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALLER: Final = ("", "m", "u", "n", "p", "f", "a", "z", "y")
_BINARY: Final = ("", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_GROUP: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+)|(\$))")


def _digits(value: float) -> str:
    return special(value) or format(value, ".4g")


def _scaled(value: float, prefixes: Sequence[str], base: float) -> tuple[float, str]:
    prefix = ""
    for prefix in prefixes:
        if (abs(value) < base) if base > 1 else (abs(value) >= 1):
            break
        if prefix != prefixes[-1]:
            value = value / base if base > 1 else value * 1000
    return value, prefix


def humanize(value: Any) -> str:
    amount = number(value)
    if amount == 0 or not math.isfinite(amount):
        return _digits(amount)
    large = abs(amount) >= 1
    scaled, prefix = _scaled(amount, _LARGER if large else _SMALLER, 1000 if large else 1)
    return _digits(scaled) + prefix


def humanize1024(value: Any) -> str:
    amount = number(value)
    if not math.isfinite(amount) or abs(amount) <= 1:
        return _digits(amount)
    scaled, prefix = _scaled(amount, _BINARY, 1024)
    return _digits(scaled) + prefix


def humanize_duration(value: Any) -> str:
    seconds = number(value)
    if not math.isfinite(seconds):
        return _digits(seconds)
    if seconds == 0:
        return "0s"
    if abs(seconds) < 1:
        scaled, prefix = _scaled(seconds, _SMALLER, 1)
        return f"{_digits(scaled)}{prefix}s"
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {rest}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {rest}s"
    if minutes:
        return f"{sign}{minutes}m {rest}s"
    return f"{sign}{_digits(seconds)}s"


def humanize_percentage(value: Any) -> str:
    return f"{_digits(number(value) * 100)}%"


def humanize_timestamp(value: Any) -> str:
    seconds = number(value)
    if not math.isfinite(seconds):
        return _digits(seconds)
    whole = math.floor(seconds)
    nanoseconds = round((seconds - whole) * 1000) * 1_000_000  # Prometheus' times have milliseconds
    try:
        moment = datetime.datetime.fromtimestamp(whole, datetime.UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise ValueError(f"{seconds} cannot be represented as a time") from error
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def title(text: str) -> str:
    """Raise the first letter of each word, where a word starts after anything but a letter, digit or `_`."""
    result, inside = [], False
    for character in text:
        result.append(character if inside else character.title())
        inside = character.isalnum() or character == "_" or (ord(character) > 127 and not character.isspace())
    return "".join(result)


def _compile(pattern: str) -> Any:
    try:
        return compile_re2(pattern)
    except InvalidPatternError as error:
        raise ValueError(f"the pattern {pattern!r} is not valid RE2: {error}") from error


def match(pattern: str, text: str) -> bool:
    return _compile(pattern).search(text) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Replace every match; `$1` and `${name}` in the replacement stand for groups, `$$` for a dollar."""
    compiled = _compile(pattern)
    names: Mapping[str, int] = compiled.groupindex

    def expand(found: Any) -> str:
        def group(reference: re.Match[str]) -> str:
            if reference.group(3):
                return "$"
            key = reference.group(1) or reference.group(2)
            index = int(key) if key.isdigit() else names.get(key, -1)
            return (found.group(index) or "") if 0 <= index <= compiled.groups else ""

        return _GROUP.sub(group, replacement)

    return str(compiled.sub(expand, text))


def strip_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def strip_domain(host: str) -> str:
    name, separator, port = host.partition(":")
    return name.partition(".")[0] + separator + port


#: What Prometheus and Alertmanager both have.
SHARED_FUNCTIONS: Final[Functions] = {
    "toUpper": str.upper,
    "toLower": str.lower,
    "match": match,
    "reReplaceAll": replace_all,
    "safeHtml": SafeHtml,
    "humanizeDuration": humanize_duration,
}


def to_time(value: Any) -> Time:
    seconds = number(value)
    if not math.isfinite(seconds):
        raise ValueError("value is NaN or Inf")
    if abs(seconds) * 1e9 >= 2**63:
        raise ValueError(
            f"{seconds} cannot be represented as a nanoseconds timestamp since it overflows int64"
        )
    return Time(math.trunc(seconds * 1e9) // 1_000_000 * 1_000_000)  # Prometheus' times have milliseconds


def to_duration(value: Any) -> Duration:
    return Duration(math.trunc(number(value) * 1e9))


def seconds_of(text: str) -> float:
    return -parse_duration(text[1:]) if text.startswith("-") else parse_duration(text)


def first(samples: Sequence[Struct]) -> Struct:
    if not samples:
        raise ValueError("first() called on vector with no elements")
    return samples[0]


def sort_by_label(name: str, samples: Sequence[Struct]) -> list[Struct]:
    return sorted(samples, key=lambda sample: str(sample["Labels"].get(name, "")))


def sample(labels: Mapping[str, str], value: float) -> Struct:
    """Return one element of what `query` gives."""
    return Struct(Labels=dict(labels), Value=value)


def _given_later(*_: Any) -> Any:
    raise ValueError("is known only where the rule is evaluated")


#: What an annotation or label of a rule may call besides Go's own functions. Those that depend on the evaluation are
#: given when the template is executed.
PROMETHEUS_FUNCTIONS: Final[Functions] = {
    **SHARED_FUNCTIONS,
    **dict.fromkeys(("query", "now", "externalURL", "pathPrefix"), _given_later),
    "title": title,
    "first": first,
    "label": lambda name, sample: sample["Labels"].get(name, ""),
    "value": lambda sample: sample["Value"],
    "strvalue": lambda sample: sample["Labels"].get("__value__", ""),
    "sortByLabel": sort_by_label,
    "toTime": to_time,
    "toDuration": to_duration,
    "parseDuration": seconds_of,
    "humanize": humanize,
    "humanize1024": humanize1024,
    "humanizePercentage": humanize_percentage,
    "humanizeTimestamp": humanize_timestamp,
    "stripPort": strip_port,
    "stripDomain": strip_domain,
    "urlQueryEscape": quote_plus,
    "args": lambda *values: {f"arg{index}": value for index, value in enumerate(values)},
    "graphLink": lambda expr: f"/graph?g0.expr={quote_plus(expr)}&g0.tab=0",
    "tableLink": lambda expr: f"/graph?g0.expr={quote_plus(expr)}&g0.tab=1",
}

#: What Prometheus has and we do not, each with the reason.
PROMETHEUS_UNSUPPORTED: Final[Mapping[str, str]] = {
    "tmpl": 'name the template by {{template "name" .}}',
    "call": "there are no function values to call",
}
