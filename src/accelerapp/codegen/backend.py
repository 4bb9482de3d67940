"""What a backend is: something that writes a project for a specification."""

from __future__ import annotations

from typing import Protocol

from accelerapp.codegen.platforms import PLATFORMS
from accelerapp.codegen.project import Project
from accelerapp.codegen.specification import HardwareSpecification
from accelerapp.observability import trace_block


class GenerationError(Exception):
    """A generation that failed.

    `reason` is one of `accelerapp.codegen.metrics.REASONS`. A `passing` one may be over at the next attempt, which
    is to wait `retry_after` seconds where the backend says so.
    """

    def __init__(
        self, reason: str, message: str, *, passing: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.passing = passing
        self.retry_after = retry_after


class Backend(Protocol):
    """Writes projects."""

    name: str

    async def generate(self, spec: HardwareSpecification) -> Project:
        """Return a project, not yet checked; raises GenerationError."""

    async def check(self) -> None:
        """Return where the backend could generate now; raises GenerationError saying why not."""

    async def close(self) -> None:
        """Let go of connections."""


class TemplateBackend:
    """Writes projects by the built-in templates."""

    name = "templates"

    async def generate(self, spec: HardwareSpecification) -> Project:
        with trace_block("fill templates"):
            return PLATFORMS[spec.platform].render(spec)

    async def check(self) -> None:
        """Templates are part of the package: they are there."""

    async def close(self) -> None:
        """There is nothing to let go of."""
