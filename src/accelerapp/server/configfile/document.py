"""A YAML file as plain data that remembers where each of its parts stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from accelerapp.server.configfile.errors import ConfigError, Problem

MAX_BYTES: Final = 4 << 20
MAX_NODES: Final = 200_000  # counted after aliases are expanded, which is what an alias bomb inflates
MAX_DEPTH: Final = 64

_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"

DocumentPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document; scalars are the text as written (None for null), to be typed by the model.

    Text is kept because a label value `1.0` or `yes` means that text in the files of Prometheus and
    Alertmanager, whatever type YAML would give it.
    """

    name: str
    data: Any
    directory: Path
    values: dict[DocumentPath, tuple[int, int]] = field(default_factory=dict)
    keys: dict[DocumentPath, tuple[int, int]] = field(default_factory=dict)
    #: What was merged in from another document: where it is here, and where there.
    merged: dict[DocumentPath, tuple[Document, DocumentPath]] = field(default_factory=dict)

    def position(self, path: DocumentPath, *, of_key: bool = False) -> tuple[int, int]:
        """Return line and column (from 1) of the value at `path`, or of the nearest part that encloses it."""
        if of_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, (1, 1))

    def problem(self, path: DocumentPath, message: str, *, of_key: bool = False) -> Problem:
        document, there = self._origin(path)
        line, column = document.position(there, of_key=of_key)
        return Problem(document.name, line, column, describe(there), message)

    def has(self, path: DocumentPath) -> bool:
        document, there = self._origin(path)
        return there in document.values

    def _origin(self, path: DocumentPath) -> tuple[Document, DocumentPath]:
        """Return which document a part is from, and where it is in that one."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.merged:
                document, there = self.merged[path[:length]]
                return document, (*there, *path[length:])
        return self, path


def describe(path: DocumentPath) -> str:
    """Write a path as `groups[0].rules[2].expr`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def read(path: Path) -> Document:
    """Read a YAML file; raises ConfigError where it is missing, too large or not YAML."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}; check that it exists and its permissions"
        raise ConfigError([Problem(str(path), 0, 0, "", message)]) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 at byte {error.start}; save it as UTF-8"
        raise ConfigError([Problem(str(path), 0, 0, "", message)]) from error
    return parse(text, str(path), path.parent)


def parse(text: str, name: str, directory: Path) -> Document:
    """Read YAML from a text; `directory` is what relative paths inside it start from."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ConfigError([Problem(name, 0, 0, "", f"is larger than {MAX_BYTES >> 20} MiB; split it")])
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        said = " ".join(str(part).strip() for part in (error.context, error.problem) if part)
        message = f"is not valid YAML: {said.splitlines()[0]}; check the indentation and quotes here"
        raise ConfigError([Problem(name, line, column, "", message)]) from error
    except YAMLError as error:
        raise ConfigError(
            [Problem(name, 0, 0, "", f"is not valid YAML: {str(error).splitlines()[0]}")]
        ) from error
    except RecursionError as error:
        raise ConfigError([Problem(name, 0, 0, "", "is nested too deeply; flatten it")]) from error
    document = Document(name, None, directory)
    builder = _Builder(document)
    data = builder.build(root, (), 0) if root is not None else None
    if builder.problems:
        raise ConfigError(builder.problems)
    return Document(name, data, directory, document.values, document.keys)


class _Builder:
    """Turns YAML nodes into plain data and notes the position of each."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0
        self.problems: list[Problem] = []

    def build(self, node: Node, path: DocumentPath, depth: int) -> Any:
        place = (node.start_mark.line + 1, node.start_mark.column + 1)
        self._document.values[path] = place
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._fail(
                path, f"the file has more than {MAX_NODES} values once its aliases are expanded; split it"
            )
        if depth > MAX_DEPTH:
            self._fail(path, f"is nested more than {MAX_DEPTH} levels deep (or an alias contains itself)")
        if isinstance(node, ScalarNode):
            return None if node.tag == _NULL else str(node.value)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        assert isinstance(node, MappingNode)
        return self._mapping(node, path, depth)

    def _mapping(self, node: MappingNode, path: DocumentPath, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                value = self.build(value_node, path, depth + 1)
                for part in value if isinstance(value, list) else [value]:
                    if isinstance(part, dict):
                        merged = {**part, **merged}
                    else:
                        self._note(path, key_node, "<< can merge mappings only")
                continue
            if not isinstance(key_node, ScalarNode):
                self._note(path, key_node, "a key must be a plain text; write it as `name: value`")
                continue
            key = str(key_node.value)
            if key in result:
                first = self._document.keys[(*path, key)]
                self._note(
                    (*path, key), key_node, f"the key is given twice (first on line {first[0]}); remove one"
                )
                continue
            self._document.keys[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self.build(value_node, (*path, key), depth + 1)
        return {**merged, **result}

    def _note(self, path: DocumentPath, node: Node, message: str) -> None:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self.problems.append(Problem(self._document.name, line, column, describe(path), message))

    def _fail(self, path: DocumentPath, message: str) -> None:
        # Going on would be what the limit is there to prevent.
        raise ConfigError([self._document.problem(path, message)])
