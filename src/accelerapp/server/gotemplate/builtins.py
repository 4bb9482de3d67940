"""The functions that Go's text/template has by itself; `and` and `or` are evaluated lazily elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus

from accelerapp.server.gotemplate.formatting import printf
from accelerapp.server.gotemplate.values import Struct, compare, equal, sprint, truth, type_name

Functions = Mapping[str, Callable[..., Any]]

_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\0": "\ufffd"}


def escape_html(text: str) -> str:
    return "".join(_HTML.get(character, character) for character in text)


def _eq(first: Any, *others: Any) -> bool:
    if not others:
        raise ValueError("missing argument for comparison")
    return any(equal(first, other) for other in others)


def _len(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())  # Go counts bytes
    if isinstance(value, (Mapping, Sequence)):
        return len(value)
    raise ValueError(f"len of type {type_name(value)}")


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping) and not isinstance(value, Struct):
            if not isinstance(key, str):
                raise ValueError(f"a map is indexed by a string, not by {type_name(key)}")
            value = value.get(key, "")
        elif isinstance(value, Sequence):
            if isinstance(key, bool) or not isinstance(key, int):
                raise ValueError(f"a list is indexed by an int, not by {type_name(key)}")
            if not 0 <= key < len(value):
                raise ValueError(f"index out of range: {key}")
            value = value[key] if not isinstance(value, str) else value.encode()[key]
        else:
            raise ValueError(f"can't index item of type {type_name(value)}")
    return value


def _slice(value: Any, start: int = 0, end: int | None = None) -> Any:
    if not isinstance(value, Sequence):
        raise ValueError(f"can't slice item of type {type_name(value)}")
    stop = len(value) if end is None else end
    if not 0 <= start <= stop <= len(value):
        raise ValueError(f"slice index out of range: {start}:{stop}")
    return value[start:stop]


def _print(*values: Any) -> str:
    # Go's Sprint puts a space between two operands where neither is a string.
    result = ""
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            result += " "
        result += sprint(value)
    return result


def _join_all(*values: Any) -> str:
    return values[0] if len(values) == 1 and isinstance(values[0], str) else _print(*values)


BUILTINS: Final[Functions] = {
    "eq": _eq,
    "ne": lambda first, second: not equal(first, second),
    "lt": lambda first, second: compare(first, second) < 0,
    "le": lambda first, second: compare(first, second) <= 0,
    "gt": lambda first, second: compare(first, second) > 0,
    "ge": lambda first, second: compare(first, second) >= 0,
    "not": lambda value: not truth(value),
    "len": _len,
    "index": _index,
    "slice": _slice,
    "print": _print,
    "println": lambda *values: " ".join(sprint(value) for value in values) + "\n",
    "printf": lambda template, *values: printf(template, values),
    "html": lambda *values: escape_html(_join_all(*values)),
    "js": lambda *values: (
        json.dumps(_join_all(*values))[1:-1].replace("<", "\\u003C").replace(">", "\\u003E")
    ),
    "urlquery": lambda *values: quote_plus(_join_all(*values)),
}
