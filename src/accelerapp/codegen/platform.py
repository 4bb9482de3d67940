"""What a platform is: the language and libraries that code is generated for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from accelerapp.codegen.findings import Finding
from accelerapp.codegen.project import Project
from accelerapp.codegen.specification import HardwareSpecification


class Platform(Protocol):
    """Knows how projects are written and checked in one language."""

    id: str
    name: str
    language: str
    #: What the model is told about the project that it is to write.
    instructions: str

    def problems(self, spec: HardwareSpecification) -> list[tuple[Sequence[str | int], str]]:
        """Return what of a specification cannot be built here, as (path of the field, message)."""

    def render(self, spec: HardwareSpecification) -> Project:
        """Return the project that the templates make of a specification without problems."""

    def readme(self, spec: HardwareSpecification) -> str:
        """Return the project's README.md."""

    def check(self, project: Project, spec: HardwareSpecification) -> list[Finding]:
        """Return what is wrong with a project, and warnings; blocks. Without `invalid_…` it may be handed out."""
