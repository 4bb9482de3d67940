"""The exposition formats: Prometheus text 0.0.4 and 1.0.0, and OpenMetrics text 1.0."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal

from accelerapp.server.signals import METRIC_NAME, Labels, make_labels

#: Labels, value, and the Unix milliseconds that the target gave, if any.
ExposedSample = tuple[Labels, float, int | None]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r'\\([\\"n])')
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE
)
_BLANK = " \t"


class ExpositionError(ValueError):
    """The text is not valid in its format; the message starts with the line's number."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


class ExpositionParser:
    """Parses one target's exposition again and again.

    `relabel` turns exposed labels into those to be stored. A series that was in the last exposition costs one
    look-up of its line's text up to the value.
    """

    def __init__(self, relabel: Callable[[Labels], Labels] = lambda labels: labels) -> None:
        self._relabel = relabel
        self._known: dict[str, Labels] = {}
        self._types: dict[str, str] = {}
        self._declared: set[str] = set()

    def parse(self, text: str, *, openmetrics: bool = False) -> list[ExposedSample]:
        """Return the samples of an exposition in their order; raises ExpositionError."""
        self._declared = set()
        try:
            return self._parse(text, openmetrics=openmetrics)
        finally:
            gone = self._types.keys() - self._declared
            if gone:  # else a target that changes its names would fill the memory
                self._types = {name: self._types[name] for name in self._declared}
                self._known.clear()

    def _parse(self, text: str, *, openmetrics: bool) -> list[ExposedSample]:
        samples: list[ExposedSample] = []
        seen: dict[str, Labels] = {}
        lines = text.split("\n")
        ended = False
        for number, line in enumerate(lines, 1):
            if ended and (line or number < len(lines)):
                raise ExpositionError(number, "there is something after # EOF")
            if not line.strip(_BLANK):
                if openmetrics and number < len(lines):
                    raise ExpositionError(number, "OpenMetrics allows no blank line")
                continue
            if line.lstrip(_BLANK).startswith("#"):
                ended = openmetrics and line == "# EOF"
                self._comment(line)
                continue
            samples.append(self._sample(line, number, seen, openmetrics=openmetrics))
        if openmetrics and not ended:
            raise ExpositionError(len(lines), "OpenMetrics must end with # EOF")
        self._known = seen
        return samples

    def _sample(self, line: str, number: int, seen: dict[str, Labels], *, openmetrics: bool) -> ExposedSample:
        identity, rest = _split(line, number, openmetrics=openmetrics)
        labels = self._known.get(identity)
        if labels is None:
            labels = self._relabel(self._labels(identity, number))
        seen[identity] = labels
        fields = rest.split()
        if not 1 <= len(fields) <= 2:
            raise ExpositionError(
                number, f"a series is followed by a value and perhaps a time, not by {rest!r}"
            )
        value = _number(fields[0], number)
        if len(fields) == 1:
            return labels, value, None
        return labels, value, _timestamp(fields[1], number, openmetrics=openmetrics)

    def _labels(self, identity: str, number: int) -> Labels:
        name, labels, end = read_series(identity, number)
        if identity[end:].strip(_BLANK):
            raise ExpositionError(number, f"unexpected {identity[end:].strip()!r} after the series")
        kind = self._types.get(name)
        if kind == "summary" and "quantile" in labels:
            labels["quantile"] = _normalised(labels["quantile"])
        elif "le" in labels and self._types.get(name.removesuffix("_bucket")) in (
            "histogram",
            "gaugehistogram",
        ):
            labels["le"] = _normalised(labels["le"])
        return make_labels({**labels, METRIC_NAME: name})

    def _comment(self, line: str) -> None:
        """Note a metric's type, on which the form of `le` and `quantile` depends."""
        fields = line.split(None, 3)
        if len(fields) == 4 and fields[:2] == ["#", "TYPE"]:
            name = fields[2]
            if name.startswith('"'):
                name = _unescaped(name.strip('"'))
            kind = fields[3].strip()
            self._declared.add(name)
            if self._types.get(name) != kind:
                self._types[name] = kind
                self._known.clear()


def read_series(text: str, number: int) -> tuple[str, dict[str, str], int]:
    """Read `name{label="value", …}` or `{"name", label="value", …}` at the start of a line.

    Returns the name, the labels and where they end; `number` is the line's, for errors.
    """
    at = _skip_blanks(text, 0)
    name = ""
    if match := _NAME.match(text, at):
        name, at = match[0], match.end()
    labels: dict[str, str] = {}
    brace = _skip_blanks(text, at)
    if text[brace : brace + 1] == "{":
        quoted_name, labels, at = _read_braces(text, brace + 1, number)
        if name and quoted_name:
            raise ExpositionError(number, f"two metric names: {name!r} and {quoted_name!r}")
        name = name or quoted_name
    if not name:
        raise ExpositionError(number, f"no metric name in {text.strip()!r}")
    return name, labels, at


def _read_braces(text: str, at: int, number: int) -> tuple[str, dict[str, str], int]:
    name = ""
    labels: dict[str, str] = {}
    while True:
        at = _skip_blanks(text, at)
        if text[at : at + 1] == "}":
            return name, labels, at + 1
        if quoted := _QUOTED.match(text, at):
            label, at = _unescaped(quoted[1]), _skip_blanks(text, quoted.end())
        elif plain := _LABEL.match(text, at):
            label, at = plain[0], _skip_blanks(text, plain.end())
        else:
            raise ExpositionError(number, f"expected a label name at {text[at : at + 20]!r}")
        if text[at : at + 1] == "=":
            value = _QUOTED.match(text, _skip_blanks(text, at + 1))
            if value is None:
                raise ExpositionError(number, f"the value of label {label!r} is not in double quotes")
            if label in labels:
                raise ExpositionError(number, f"the label {label!r} is there twice")
            labels[label], at = _unescaped(value[1]), value.end()
        elif quoted and not name:
            name = label
        else:
            raise ExpositionError(number, f"the label {label!r} has no value")
        at = _skip_blanks(text, at)
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != "}":
            raise ExpositionError(number, f"expected a comma or a closing brace at {text[at : at + 20]!r}")


def _split(line: str, number: int, *, openmetrics: bool) -> tuple[str, str]:
    """Divide a line into the text that names its series and what follows, without an exemplar."""
    if openmetrics and "#" in line:
        end = read_series(line, number)[2]
        return line[:end], line[end:].partition("#")[0]
    brace = line.rfind("}")
    if brace >= 0:
        return line[: brace + 1], line[brace + 1 :]
    fields = line.split(None, 1)
    if len(fields) < 2:
        raise ExpositionError(number, f"no value after {line.strip()!r}")
    return fields[0], fields[1]


def _number(text: str, line: int) -> float:
    if not _NUMBER.fullmatch(text):
        raise ExpositionError(line, f"{text!r} is not a number")
    return float(text)


def _timestamp(text: str, line: int, *, openmetrics: bool) -> int:
    """Return Unix milliseconds, which OpenMetrics writes as seconds."""
    if openmetrics:
        seconds = _number(text, line)
        if not math.isfinite(seconds):
            raise ExpositionError(line, f"{text!r} is not a time")
        return int(seconds * 1000)
    try:
        return int(text)
    except ValueError:
        raise ExpositionError(line, f"{text!r} is not a time in milliseconds") from None


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], text)


def _skip_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t"):
        at += 1
    return at


def _normalised(text: str) -> str:
    return float_text(float(text)) if _NUMBER.fullmatch(text) else text


def float_text(value: float) -> str:
    """Write a number as OpenMetrics writes `le`: always recognisable as a float, so `1` is `1.0`.

    The exponent begins where it does in Go's shortest form, at a million and below a ten-thousandth.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    if not isinstance(exponent, int) or value == 0:
        return "-0.0" if sign else "0.0"
    magnitude = len(digits) - 1 + exponent
    if -4 <= magnitude < 6:
        text = format(Decimal(repr(value)).normalize(), "f")
        return text if "." in text else f"{text}.0"
    mantissa = "".join(map(str, digits))
    point = f".{mantissa[1:]}" if len(mantissa) > 1 else ""
    return f"{'-' if sign else ''}{mantissa[0]}{point}e{'-' if magnitude < 0 else '+'}{abs(magnitude):02d}"
