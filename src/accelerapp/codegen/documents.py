"""A request's body as data: JSON or YAML, with the place of each field."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    ScalarEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

JSON = "application/json"
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
#: Levels of nesting; a specification has four.
_DEPTH = 32
#: Values, and beginnings and ends of collections, of YAML, which is slow to read; the largest specification has 2,000.
_EVENTS = 5_000
#: Characters of one value; the longest of a specification is its description, of 200.
_CHARACTERS = 4_096


class UnreadableError(ValueError):
    """A body that is not what it says; line and column begin at 1, None where they cannot be told."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Document:
    """What a body holds, and for YAML its nodes, which know their places."""

    data: Any
    root: Node | None = None

    def place(self, path: Sequence[str | int]) -> tuple[int, int] | None:
        """Return line and column, from 1, of a field, or of what it is missing in; None where it cannot be told."""
        if self.root is None:
            return None
        node = self.root
        for part in path:
            inner = _child(node, part)
            if inner is None:
                break
            node = inner
        return node.start_mark.line + 1, node.start_mark.column + 1


def read_document(body: bytes, media_type: str) -> Document:
    """Read a body as its media type says; blocks.

    Raises:
        UnreadableError: it is not of that form, or nested too deeply; of YAML also where it has aliases, a value that
            is too long, or is of version 1.1.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UnreadableError(f"the body is not UTF-8: byte {exc.start} is wrong") from exc
    return _read_yaml(text) if media_type in YAML_TYPES else _read_json(text)


def _read_json(text: str) -> Document:
    try:
        return Document(json.loads(text))
    except json.JSONDecodeError as exc:
        raise UnreadableError(f"the body is no JSON: {exc.msg}", exc.lineno, exc.colno) from exc
    except RecursionError as exc:
        raise UnreadableError("the body is nested too deeply") from exc
    except ValueError as exc:  # Python reads no number of thousands of digits
        raise UnreadableError("the body has a number that is too long") from exc


def _read_yaml(text: str) -> Document:
    yaml = YAML(typ="safe", pure=True)
    try:
        _check_events(yaml, text)
        root = yaml.compose(text)
        return Document(None if root is None else yaml.constructor.construct_document(root), root)
    except MarkedYAMLError as exc:
        mark = exc.problem_mark
        message = f"the body is no YAML: {exc.problem or exc.context}"
        if mark is None:
            raise UnreadableError(message) from exc
        raise UnreadableError(message, mark.line + 1, mark.column + 1) from exc
    except (YAMLError, ValueError, TypeError, OverflowError) as exc:
        if isinstance(exc, UnreadableError):
            raise
        raise UnreadableError(f"the body is no YAML: {exc}") from exc


def _check_events(yaml: YAML, text: str) -> None:
    """Refuse what small texts can blow up with, before anything is made of it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text)):
        mark = event.start_mark
        if count > _EVENTS:
            raise UnreadableError(
                "the body has more values than any specification", mark.line + 1, mark.column + 1
            )
        if isinstance(event, AliasEvent):
            raise UnreadableError("YAML aliases are not accepted", mark.line + 1, mark.column + 1)
        if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
            # 1.1 reads 1:30 as a number to the base of 60, in time that grows with the square of its length.
            raise UnreadableError("YAML 1.2 alone is accepted", mark.line + 1, mark.column + 1)
        if isinstance(event, ScalarEvent) and len(event.value) > _CHARACTERS:
            raise UnreadableError(
                f"a value is longer than {_CHARACTERS} characters", mark.line + 1, mark.column + 1
            )
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        if depth > _DEPTH:
            raise UnreadableError(
                f"the body is nested more than {_DEPTH} deep", mark.line + 1, mark.column + 1
            )


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node, MappingNode):
        return next((value for key, value in node.value if key.value == part), None)
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        child: Node = node.value[part]
        return child
    return None
