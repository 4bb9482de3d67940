"""Texts in quotes as Go's strconv.Quote writes and strconv.Unquote reads them."""

from __future__ import annotations

import re
from typing import Final

_NAMED: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34}
_BY_CODE: Final = {code: f"\\{name}" for name, code in _NAMED.items()}
_ESCAPE: Final = re.compile(
    r"\\(?:([abfnrtv\\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|())"
)


def quote(text: str) -> str:
    """Write a text in double quotes, with escapes for what is not printable."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join('\\"' if char == '"' else _escaped(char) for char in text) + '"'


def quote_char(char: str) -> str:
    """Write a character in single quotes, as Go does; the end of the input is no character."""
    if not char:
        return "'\N{REPLACEMENT CHARACTER}'"
    return "'\\''" if char == "'" else f"'{_escaped(char)}'"


def _escaped(char: str) -> str:
    code = ord(char)
    if code in _BY_CODE and char != '"':
        return _BY_CODE[code]
    if char.isprintable():
        return char
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote(text: str) -> str:
    """Read a text in double quotes; raises ValueError where an escape is not one of Go's."""
    body = text[1:-1]
    if "\n" in body:
        raise ValueError(f"{text}: a line break is written \\n")
    try:
        # Escapes of bytes may make up one character together.
        return _ESCAPE.sub(_byte_form, body.encode().decode("latin-1")).encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{text} is not UTF-8") from error


def _byte_form(escape: re.Match[str]) -> str:
    named, hexadecimal, octal, short, long, _ = escape.groups()
    if named:
        return chr(_NAMED[named])
    if hexadecimal or octal:
        code = int(hexadecimal, 16) if hexadecimal else int(octal, 8)
        if code < 0x100:
            return chr(code)
    elif short or long:
        code = int(short or long, 16)
        if code < 0x110000 and not 0xD800 <= code < 0xE000:
            return chr(code).encode().decode("latin-1")
    raise ValueError(f"unknown escape {escape.string[escape.start() : escape.end() + 1]}")
