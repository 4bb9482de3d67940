"""What a check of generated code finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from accelerapp.codegen.project import Project

FindingKind = Literal["invalid_code", "invalid_pins", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or uncertain in one line of one file."""

    kind: FindingKind
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def check_paths(project: Project, entry: str) -> list[Finding]:
    """Return what is wrong with a project's files as such: one that is there twice, or no `entry`."""
    paths = [file.path for file in project.files]
    findings = [
        Finding("invalid_code", path, 1, "the project has this file twice")
        for path in sorted({path for path in paths if paths.count(path) > 1})
    ]
    if entry not in paths:
        findings.append(Finding("invalid_code", entry, 1, f"the project has no {entry}"))
    return findings
