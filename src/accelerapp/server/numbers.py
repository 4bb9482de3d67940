"""Numbers as Go's strconv.FormatFloat writes them, in the fewest digits that read back as the same number."""

from __future__ import annotations

import math
from decimal import Decimal


def special(value: float) -> str | None:
    """Return Go's name of a value that is no finite number, None for all others."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return None


def format_plain(value: float) -> str:
    """Write a number without an exponent, whatever its size (format 'f')."""
    if (name := special(value)) is not None:
        return name
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def format_exponential(value: float) -> str:
    """Write a number with an exponent of two digits or more, whatever its size (format 'e')."""
    if (name := special(value)) is not None:
        return name
    shortest = Decimal(repr(value)).normalize()
    sign, figures, _ = shortest.as_tuple()
    digits, power = "".join(map(str, figures)), shortest.adjusted() if value else 0
    point = "." if len(digits) > 1 else ""
    return f"{'-' * sign}{digits[0]}{point}{digits[1:]}e{'-' if power < 0 else '+'}{abs(power):02d}"


def format_general(value: float) -> str:
    """Write a number with an exponent below 1e-4 and from a million on (format 'g')."""
    if math.isfinite(value) and value and not -4 <= Decimal(repr(value)).adjusted() < 6:
        return format_exponential(value)
    return format_plain(value)
