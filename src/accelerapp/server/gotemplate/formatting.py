"""printf with Go's verbs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from accelerapp.server.gotemplate.values import display, sprint, type_name
from accelerapp.server.numbers import format_general, special
from accelerapp.server.quoting import quote

MAX_WIDTH: Final = 10_000

_VERB: Final = re.compile(r"%([+\-# 0]*)([0-9]+)?(?:\.([0-9]*))?(.)", re.DOTALL)
_NUMERIC: Final = "eEfFgG"


def printf(template: str, arguments: Sequence[Any]) -> str:
    """Format as Go's fmt.Sprintf for the verbs v s q d x X o b c t e f g and their flags.

    A verb that does not suit its argument, a missing and a superfluous argument are marked in the output as Go
    does (`%!d(string=x)`). Raises ValueError for a width above 10,000 and for other verbs and `*`.
    """
    pieces: list[str] = []
    position = used = 0
    while (at := template.find("%", position)) >= 0:
        pieces.append(template[position:at])
        match = _VERB.match(template, at)
        if match is None:
            pieces.append("%!(NOVERB)")
            position = len(template)
            break
        position = match.end()
        if match.group(4) == "%":
            pieces.append("%")
            continue
        if used >= len(arguments):
            pieces.append(f"%!{match.group(4)}(MISSING)")
            continue
        pieces.append(_format(match, arguments[used]))
        used += 1
    pieces.append(template[position:])
    if used < len(arguments):
        extra = ", ".join(f"{type_name(value)}={sprint(value)}" for value in arguments[used:])
        pieces.append(f"%!(EXTRA {extra})")
    return "".join(pieces)


def _format(match: re.Match[str], value: Any) -> str:
    flags, width, precision, verb = match.groups()
    if verb not in "vsqdxXobcteEfFgG":
        raise ValueError(f"printf: the verb %{verb} is not supported; use one of v s q d x t e f g")
    if int(width or 0) > MAX_WIDTH or int(precision or 0) > MAX_WIDTH:
        raise ValueError(f"printf: width and precision may be at most {MAX_WIDTH}")
    places = None if precision is None else int(precision or 0)
    text = _convert(verb, flags, places, value)
    if text is None:
        shown = "<nil>" if value is None else f"{type_name(value)}={sprint(value)}"
        return f"%!{verb}({shown})"
    size = int(width or 0)
    if "-" in flags:
        return text.ljust(size)
    if "0" in flags and not isinstance(value, str) and special(_float(value)) is None:
        sign = text[:1] if text[:1] in {"+", "-", " "} else ""
        return sign + text[len(sign) :].rjust(size - len(sign), "0")
    return text.rjust(size)


def _float(value: Any) -> float:
    return value if isinstance(value, float) else 0.0


def _convert(verb: str, flags: str, places: int | None, value: Any) -> str | None:
    """Return the text of a value without its padding, None where the verb does not suit it."""
    if verb == "v":
        if isinstance(value, float):
            return _signed(_general(value, places, "g"), flags)
        if isinstance(value, int) and not isinstance(value, bool):
            return _signed(str(value), flags)
        return "<nil>" if value is None else sprint(value)
    if isinstance(value, bool):
        return sprint(value) if verb == "t" else None
    if isinstance(value, str):
        text = value if places is None else value[:places]
        if verb == "q":
            return quote(text)
        if verb in "xX":
            encoded = text.encode().hex()
            return encoded.upper() if verb == "X" else encoded
        return text if verb == "s" else None
    if isinstance(value, int):
        if verb == "c":
            return chr(value)
        return _signed(format(value, verb), flags) if verb in "dxXob" else None
    if isinstance(value, float):
        return _signed(_general(value, places, verb), flags) if verb in _NUMERIC else None
    if verb == "s" and value is not None:
        return display(value)
    return None


def _signed(text: str, flags: str) -> str:
    if text.startswith(("-", "+")):
        return text if "+" in flags or not text.startswith("+") or text == "+Inf" else text[1:]
    if "+" in flags and text != "NaN":
        return f"+{text}"
    return f" {text}" if " " in flags else text


def _general(value: float, places: int | None, verb: str) -> str:
    if (name := special(value)) is not None:
        return name
    if places is None and verb in "gG":
        text = format_general(value)
        return text.upper() if verb == "G" else text
    return format(value, f".{6 if places is None else places}{verb}")
