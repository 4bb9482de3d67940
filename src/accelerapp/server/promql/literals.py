"""Numbers, strings and label sets as Prometheus writes and reads them."""

from __future__ import annotations

import math
import re

import numpy as np

from accelerapp.server.numbers import format_plain
from accelerapp.server.quoting import quote
from accelerapp.server.signals import Labels, Values

_LEGACY_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_ESCAPED = re.compile(
    r"\\(?:(?P<octal>[0-7]{3})|x(?P<hex>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})"
    r"|U(?P<long>[0-9a-fA-F]{8})|(?P<char>.))|(?P<plain>[^\\]+)",
    re.DOTALL,
)
_NAMED = {"a": b"\a", "b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "v": b"\v"}


def format_value(value: float) -> str:
    """Write a sample's value as Prometheus' HTTP API does: the shortest digits that read back as the same number.

    Go's strconv format 'f' with precision -1; with an exponent below 1e-6 and from 1e21 on, as its JSON has it.
    """
    if not math.isfinite(value) or value == 0 or 1e-6 <= abs(value) < 1e21:
        return format_plain(value)
    # Both languages write the exponent with two digits or more.
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{exponent}"


def format_values(values: Values) -> list[str]:
    """Write many values as `format_value` does, most of them at once."""
    texts = list(map(repr, values.tolist()))
    size = np.abs(values)
    usual = (size >= 1e-4) & (size < 1e16)  # Python writes those without an exponent, as Go does
    for index in np.flatnonzero(usual & (values == np.rint(values))).tolist():
        texts[index] = texts[index][:-2]  # of "1.0"
    for index in np.flatnonzero(~usual).tolist():
        texts[index] = format_value(float(values[index]))
    return texts


def unquote(literal: str) -> str:
    """Read a string literal whose escape sequences were checked; bytes that are no UTF-8 become replacements."""
    inner = literal[1:-1]
    if literal[0] == "`" or "\\" not in inner:
        return inner
    parts: list[bytes] = []
    for match in _ESCAPED.finditer(inner):
        if plain := match["plain"]:
            parts.append(plain.encode())
        elif match["octal"] or match["hex"]:
            parts.append(bytes([int(match["octal"], 8) if match["octal"] else int(match["hex"], 16)]))
        elif code := match["short"] or match["long"]:
            parts.append(chr(int(code, 16)).encode())
        else:
            parts.append(_NAMED.get(match["char"], match["char"].encode()))
    return b"".join(parts).decode("utf-8", "replace")


def format_label_name(name: str) -> str:
    """Write a label's name, quoted unless it is made of letters, digits and underscores."""
    return name if _LEGACY_NAME.fullmatch(name) else quote(name)


def format_labels(labels: Labels) -> str:
    """Write labels as Prometheus' errors do: `{__name__="up", job="api"}`."""
    return "{" + ", ".join(f"{format_label_name(name)}={quote(value)}" for name, value in labels) + "}"
