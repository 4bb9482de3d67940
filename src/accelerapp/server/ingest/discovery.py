"""Discovery of targets in files: they may change at any time, and are read again when they do."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from pydantic import Field, RootModel

from accelerapp.server.configfile import ConfigError, ConfigModel, Problem, read, validate
from accelerapp.server.configfile.document import MAX_BYTES, Document
from accelerapp.server.ingest.scrape_job import TargetGroup
from accelerapp.server.signals import make_labels

logger = logging.getLogger(__name__)

_FILE_LABEL = "__meta_filepath"


class _Group(ConfigModel):
    targets: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)


class _Groups(RootModel[tuple[_Group, ...]]):
    """The content of a file of targets."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file as it was when it was read last: what tells that it changed, and its groups."""

    signature: tuple[int, int, int]
    groups: tuple[TargetGroup, ...]


class TargetFiles:
    """The groups of targets in the files that match patterns.

    A file that cannot be read keeps the groups that it had; `errors` says of each such file what is wrong, and
    `failures` counts them. Not safe to call from several threads at once.
    """

    def __init__(self, patterns: Sequence[Path]) -> None:
        self._patterns = tuple(patterns)
        self._files: dict[Path, _Seen] = {}
        self.errors: dict[Path, str] = {}
        self.failures = 0

    def refresh(self) -> bool:
        """Look at every file, read those that changed, and tell whether the groups may have changed."""
        found = {path: signature for path in self._matching() if (signature := _signature(path))}
        changed = False
        for gone in self._files.keys() - found.keys():
            del self._files[gone]
            self.errors.pop(gone, None)
            changed = True
        for path, signature in found.items():
            seen = self._files.get(path)
            if seen is None or seen.signature != signature:
                self._files[path] = _Seen(signature, self._read(path, seen.groups if seen else ()))
                changed = True
        return changed

    def groups(self) -> list[TargetGroup]:
        """Return the groups of all files, in the order of the files' names."""
        return [group for path in sorted(self._files) for group in self._files[path].groups]

    def _matching(self) -> list[Path]:
        found: dict[Path, None] = {}
        for pattern in self._patterns:
            if "*" in pattern.name or "?" in pattern.name or "[" in pattern.name:
                found.update(dict.fromkeys(pattern.parent.glob(pattern.name)))
            else:
                found[pattern] = None
        return list(found)

    def _read(self, path: Path, before: tuple[TargetGroup, ...]) -> tuple[TargetGroup, ...]:
        try:
            groups = read_groups(path)
        except ConfigError as error:
            self.failures += 1
            self.errors[path] = str(error)
            logger.warning("the targets of %s stay as they were: %s", path, error)
            return before
        self.errors.pop(path, None)
        return groups


def read_groups(path: Path) -> tuple[TargetGroup, ...]:
    """Read a file of target groups, YAML or JSON by its name; raises ConfigError."""
    document = _read_json(path) if path.suffix.lower() == ".json" else read(path)
    if document.data is None:
        return ()
    return tuple(
        TargetGroup(group.targets, make_labels({**group.labels, _FILE_LABEL: str(path)}), f"{path}:{index}")
        for index, group in enumerate(validate(document, _Groups).root)
    )


def _read_json(path: Path) -> Document:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ValueError(f"is larger than {MAX_BYTES >> 20} MiB; split it")
        return Document(str(path), orjson.loads(raw), path.parent)
    except (OSError, ValueError) as error:
        raise ConfigError([Problem(str(path), 0, 0, "", f"cannot be read as JSON: {error}")]) from error


def _signature(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file; None where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
