"""Numbers, strings and label sets as Prometheus writes and reads them."""

from __future__ import annotations

import math
import re

from accelerapp.server.signals import Labels

_LEGACY_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def format_value(value: float) -> str:
    """Write a sample's value as Prometheus' HTTP API does: the shortest digits that read back as the same number.

    Go's strconv format 'f' with precision -1; with an exponent below 1e-6 and from 1e21 on, as its JSON has it.
    """
    if not math.isfinite(value) or value == 0 or 1e-6 <= abs(value) < 1e21:
        return format_plain(value)
    # Both languages write the exponent with two digits or more.
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{exponent}"


def format_plain(value: float) -> str:
    """Write a number without an exponent, whatever its size (Go's 'f' with precision -1)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
        mantissa, _, exponent = digits.partition("e")
        whole, _, fraction = mantissa.partition(".")
        fraction = "" if fraction == "0" else fraction
        shift = int(exponent)
        if shift < 0:
            text = f"{sign}0.{'0' * (-shift - 1)}{whole}{fraction}"
        else:
            text = f"{sign}{whole}{fraction.ljust(shift, '0')}"
    return text.removesuffix(".0")


def quote(text: str) -> str:
    """Write a string literal in double quotes."""
    return (
        '"'
        + "".join(_ESCAPES.get(char) or (char if ord(char) >= 32 else f"\\x{ord(char):02x}") for char in text)
        + '"'
    )


def format_label_name(name: str) -> str:
    """Write a label's name, quoted unless it is made of letters, digits and underscores."""
    return name if _LEGACY_NAME.fullmatch(name) else quote(name)


def format_labels(labels: Labels) -> str:
    """Write labels as Prometheus' errors do: `{__name__="up", job="api"}`."""
    return "{" + ", ".join(f"{format_label_name(name)}={quote(value)}" for name, value in labels) + "}"
