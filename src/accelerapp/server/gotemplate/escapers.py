"""What makes a value safe at its place in HTML, as Go's html/template does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from accelerapp.server.gotemplate.values import sprint

_SPECIAL: Final = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "+": "&#43;", "<": "&lt;", ">": "&gt;"}
)
_SPECIAL_BUT_ENTITIES: Final = {code: text for code, text in _SPECIAL.items() if code != ord("&")}
_TAG: Final = re.compile(r"""<!--.*?-->|</?[a-zA-Z](?:"[^"]*"|'[^']*'|[^'">])*>""", re.DOTALL)
_SCHEMES: Final = ("http", "https", "mailto")
_UNRESERVED: Final = frozenset(b"-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_RESERVED: Final = frozenset(b"!#$&*+,/:;=?@[]")
_HEXADECIMAL: Final = frozenset(b"0123456789ABCDEFabcdef")
#: What stands where a URL's scheme could run something; Go's own word for it.
UNSAFE_URL: Final = "#ZgotmplZ"


class SafeHtml(str):
    """A text that is taken for HTML as it is."""

    __slots__ = ()


class SafeUrl(str):
    """A text that is taken for a URL of any scheme."""

    __slots__ = ()


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else sprint(value)


def escape_text(value: Any) -> str:
    """Escape between tags."""
    return str(value) if isinstance(value, SafeHtml) else _text(value).translate(_SPECIAL)


def escape_title(value: Any) -> str:
    """Escape within an element that holds text alone, such as title."""
    return _text(value).translate(_SPECIAL_BUT_ENTITIES if isinstance(value, SafeHtml) else _SPECIAL)


def escape_attribute(value: Any) -> str:
    """Escape within quotes; HTML loses its tags."""
    if isinstance(value, SafeHtml):
        return _TAG.sub("", value).translate(_SPECIAL_BUT_ENTITIES)
    return _text(value).translate(_SPECIAL)


def filter_url(value: Any) -> str:
    """Let through what begins a URL that can run nothing."""
    text = _text(value)
    scheme, colon, _ = text.partition(":")
    if isinstance(value, SafeUrl) or not colon or "/" in scheme or scheme.lower() in _SCHEMES:
        # It stays one whose reserved characters mean what they mean.
        return SafeUrl(text) if isinstance(value, SafeUrl) else text
    return UNSAFE_URL


def normalize_url(value: Any) -> str:
    """Encode what cannot stand in a URL, and leave what structures it."""
    return _encoded(_text(value), keep_structure=True)


def escape_url(value: Any) -> str:
    """Encode all that means something in a URL."""
    return _encoded(_text(value), keep_structure=isinstance(value, SafeUrl))


def _encoded(text: str, *, keep_structure: bool) -> str:
    raw = text.encode()
    pieces = []
    for index, byte in enumerate(raw):
        kept = byte in _UNRESERVED
        if keep_structure and not kept:
            escape = (
                byte == ord("%") and len(raw) > index + 2 and {*raw[index + 1 : index + 3]} <= _HEXADECIMAL
            )
            kept = byte in _RESERVED or escape
        pieces.append(chr(byte) if kept else f"%{byte:02x}")
    return "".join(pieces)


#: By the names under which they end a pipeline; no template can name them, since the parser does not know them.
ESCAPERS: Final[Mapping[str, Callable[..., Any]]] = {
    "_text": escape_text,
    "_title": escape_title,
    "_attribute": escape_attribute,
    "_filter_url": filter_url,
    "_normalize_url": normalize_url,
    "_escape_url": escape_url,
    "_nothing": lambda value: "",
}
