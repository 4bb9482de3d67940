"""One line of an exposition: a sample or a comment, in Prometheus' text formats and in OpenMetrics.

Which lines are taken is Prometheus' own rule, which is more lenient than the formats' descriptions in places.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from typing import Literal

from accelerapp.server.numbers import format_general
from accelerapp.server.signals import METRIC_NAME, Labels, make_labels

Keyword = Literal["HELP", "TYPE", "UNIT"]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TEXT = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_QUOTED = re.compile(_TEXT)
#: A label as nearly all are written; any other form is read piece by piece.
_PAIR = re.compile(f"([a-zA-Z_][a-zA-Z0-9_]*)={_TEXT}(?:,|(?=}}))")
_ESCAPED = re.compile(r'\\([\\"n])')
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?)|nan", re.IGNORECASE
)
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_METADATA = re.compile(
    r'[ \t]*#[ \t]+(HELP|TYPE)[ \t]+("(?:[^"\\]|\\.)*"|[a-zA-Z_:][a-zA-Z0-9_:]*)?(?:[ \t](.*)|$)?'
)
_OPENMETRICS_METADATA = re.compile(
    r'# (HELP|TYPE|UNIT) ("(?:[^"\\]|\\.)*"|[a-zA-Z_:][a-zA-Z0-9_:]*)?(?: (.*)|$)?'
)
_TYPES = {"counter": "counter", "gauge": "gauge", "histogram": "histogram", "summary": "summary"}
_TEXT_TYPES = {**_TYPES, "untyped": "unknown"}
_OPENMETRICS_TYPES = {
    **_TYPES,
    "gaugehistogram": "gaugehistogram",
    "info": "info",
    "stateset": "stateset",
    "unknown": "unknown",
}
_LARGEST_TIME = 2**63
#: What begins an exemplar, in OpenMetrics.
EXEMPLAR = " # {"


class LineError(ValueError):
    """A line is not valid in its format; the message says why."""


@dataclass(frozen=True, slots=True)
class SampleLine:
    """A sample as it is exposed; `identity` is the text that names the series, `time_ms` the target's own time."""

    identity: str
    name: str
    labels: dict[str, str]
    value: float
    time_ms: int | None
    exemplar: str  # its text after the opening brace, empty where there is none


@dataclass(frozen=True, slots=True)
class ExposedExemplar:
    """An exemplar as it is exposed; `time_ms` is Unix milliseconds where the target gave a time."""

    labels: Labels
    value: float
    time_ms: int | None


@dataclass(frozen=True, slots=True)
class MetadataLine:
    """What a comment says of a metric; of a type the word is that of Prometheus' API."""

    keyword: Keyword
    metric: str
    text: str


def read_sample(line: str, *, openmetrics: bool) -> SampleLine:
    """Divide a line into its parts; raises LineError."""
    name, labels, end = read_series(line, spaced=not openmetrics)
    rest, exemplar = line[end:], ""
    if openmetrics:
        rest, _, exemplar = rest.partition(EXEMPLAR)
        fields = rest[1:].split(" ")
    else:
        fields = [field for field in rest.replace("\t", " ").split(" ") if field]
    if not rest.strip(" \t"):
        raise LineError(f"no value after {line.strip()!r}")
    if rest[0] not in " \t" and (openmetrics or line[end - 1] != "}"):
        raise LineError(f"unexpected {rest.strip()!r} after the series")
    if len(fields) > 2 or not fields[0]:
        raise LineError(f"a series is followed by a value and perhaps a time, not by {rest!r}")
    value = number(fields[0])
    time_ms = read_time(fields[1], openmetrics=openmetrics) if len(fields) == 2 else None
    return SampleLine(line[:end], name, labels, value, time_ms, exemplar)


def read_time(text: str, *, openmetrics: bool) -> int:
    """Return Unix milliseconds, which OpenMetrics writes as seconds; raises LineError."""
    if openmetrics:
        seconds = number(text)
        if not math.isfinite(seconds) or abs(seconds * 1000) >= _LARGEST_TIME:
            raise LineError(f"{text!r} is not a time")
        return int(seconds * 1000)
    if not _WHOLE.fullmatch(text) or abs(int(text)) >= _LARGEST_TIME:
        raise LineError(f"{text!r} is not a time in milliseconds")
    return int(text)


def read_exemplar(text: str) -> ExposedExemplar:
    """Read what follows ` # {`: labels, a value and perhaps a time; raises LineError."""
    name, labels, end = _read_braces(text, 0, spaced=False)
    fields = text[end:].split(" ")
    if name or not 2 <= len(fields) <= 3 or fields[0]:
        raise LineError(f"an exemplar is labels, a value and perhaps a time, not {{{text}")
    return ExposedExemplar(
        make_labels(labels),
        number(fields[1]),
        read_time(fields[2], openmetrics=True) if len(fields) == 3 else None,
    )


@functools.lru_cache(maxsize=10_000)  # a target says the same at every scrape
def read_metadata(line: str, *, openmetrics: bool) -> MetadataLine | None:
    """Read a comment; None where it says nothing of a metric. Raises LineError."""
    match = (_OPENMETRICS_METADATA if openmetrics else _METADATA).match(line)
    if match is None:
        if openmetrics:
            raise LineError(f"a comment is # HELP, # TYPE, # UNIT or # EOF in OpenMetrics, not {line!r}")
        return None
    keyword: Keyword = match[1]  # type: ignore[assignment]
    if match[2] is None or match.end() != len(line):
        raise LineError(f"no metric name after # {keyword}")
    metric = _unescaped(match[2][1:-1]) if match[2].startswith('"') else match[2]
    text = match[3]
    if openmetrics and text is None:
        raise LineError(f"no text after # {keyword} {metric}")
    text = text or ""
    if keyword == "TYPE":
        types = _OPENMETRICS_TYPES if openmetrics else _TEXT_TYPES
        if text not in types:
            raise LineError(f"invalid metric type {text!r} of {metric}")
        return MetadataLine(keyword, metric, types[text])
    if keyword == "UNIT":
        if text and not metric.endswith(f"_{text}"):
            raise LineError(f"unit {text!r} not a suffix of metric {metric!r}")
        return MetadataLine(keyword, metric, text)
    if not openmetrics:
        return MetadataLine(keyword, metric, re.sub(r"\\([\\n])", _unescape_one, text))
    return MetadataLine(keyword, metric, _unescaped(text))


def series_labels(sample: SampleLine, kind: str) -> dict[str, str]:
    """Return the labels of a series whose metric has the type `kind`, the metric's name among them.

    `le` of a histogram and `quantile` of a summary are written in one way however a target writes them.
    """
    labels = {**sample.labels, METRIC_NAME: sample.name}
    bound = {"histogram": "le", "summary": "quantile"}.get(kind, "")
    if bound in labels and _NUMBER.fullmatch(labels[bound]):
        labels[bound] = float_text(float(labels[bound]))
    return labels


def read_series(text: str, *, spaced: bool) -> tuple[str, dict[str, str], int]:
    """Read `name{label="value", …}` or `{"name", label="value", …}` at the start of a text.

    With `spaced` there may be blanks between the parts. Returns the name, the labels and where they end.
    """
    at = _skip_blanks(text, 0) if spaced else 0
    name = ""
    if match := _NAME.match(text, at):
        name, at = match[0], match.end()
    labels: dict[str, str] = {}
    brace = _skip_blanks(text, at) if spaced else at
    if text[brace : brace + 1] == "{":
        quoted_name, labels, at = _read_braces(text, brace + 1, spaced=spaced)
        if name and quoted_name:
            raise LineError(f"two metric names: {name!r} and {quoted_name!r}")
        name = name or quoted_name
    if not name:
        raise LineError(f"no metric name in {text.strip()!r}")
    return name, labels, at


def _read_braces(text: str, at: int, *, spaced: bool) -> tuple[str, dict[str, str], int]:
    name = ""
    labels: dict[str, str] = {}

    def skip(at: int) -> int:
        return _skip_blanks(text, at) if spaced else at

    while True:
        while (pair := _PAIR.match(text, at)) and pair[1] not in labels:
            labels[pair[1]], at = _unescaped(pair[2]), pair.end()
        at = skip(at)
        if text[at : at + 1] == "}":
            return name, labels, at + 1
        if quoted := _QUOTED.match(text, at):
            label, at = _unescaped(quoted[1]), skip(quoted.end())
        elif plain := _LABEL.match(text, at):
            label, at = plain[0], skip(plain.end())
        else:
            raise LineError(f"expected a label name at {text[at : at + 20]!r}")
        if text[at : at + 1] == "=":
            value = _QUOTED.match(text, skip(at + 1))
            if value is None:
                raise LineError(f"the value of label {label!r} is not in double quotes")
            if label in labels:
                raise LineError(f"the label {label!r} is there twice")
            labels[label], at = _unescaped(value[1]), value.end()
        elif quoted and not name:
            name = label
        else:
            raise LineError(f"the label {label!r} has no value")
        at = skip(at)
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != "}":
            raise LineError(f"expected a comma or a closing brace at {text[at : at + 20]!r}")


def number(text: str) -> float:
    """Read a number as Go's ParseFloat reads it in decimal; raises LineError."""
    if not _NUMBER.fullmatch(text):
        raise LineError(f"{text!r} is not a number")
    value = float(text)
    if math.isinf(value) and text[-1] in "0123456789.":
        raise LineError(f"{text!r} is out of range")
    return value


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(_unescape_one, text) if "\\" in text else text


def _unescape_one(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]


def _skip_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t"):
        at += 1
    return at


def float_text(value: float) -> str:
    """Write a number as OpenMetrics writes `le`: always recognisable as a float, so `1` is `1.0`."""
    text = format_general(value)
    return text if "." in text or "e" in text or not math.isfinite(value) else f"{text}.0"
