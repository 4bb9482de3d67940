"""One generation: check the specification, have the backend write, check what it wrote, count the outcome."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from accelerapp.codegen.backend import Backend, GenerationError
from accelerapp.codegen.metrics import GenerationMetrics
from accelerapp.codegen.platform import Platform
from accelerapp.codegen.platforms import PLATFORMS
from accelerapp.codegen.project import Project, ProjectFile
from accelerapp.codegen.specification import HardwareSpecification
from accelerapp.codegen.specification_check import check_specification
from accelerapp.monitoring import get_logger
from accelerapp.observability import current_span, trace_block

_logger = get_logger("accelerapp.codegen")


@dataclass(frozen=True, slots=True)
class Generation:
    """A project that passed its checks, and who wrote it."""

    project: Project
    backend: str
    warnings: list[str]


class Generator:
    """Generates by one backend and, where there is one, by a fallback when that fails."""

    def __init__(self, backend: Backend, metrics: GenerationMetrics, fallback: Backend | None = None) -> None:
        self._backend = backend
        self._metrics = metrics
        self._fallback = fallback

    async def generate(self, spec: HardwareSpecification) -> Generation:
        """Return a checked project.

        Raises:
            SpecificationError: the specification cannot be built; nothing is counted.
            GenerationError: the backend failed, or what it wrote did.
        """
        attributes = {
            "accelerapp.platform": spec.platform,
            "accelerapp.board": spec.board,
            "accelerapp.specification": spec.name,
        }
        with trace_block("generate", attributes):
            with trace_block("validate specification"):
                warnings = check_specification(spec)
            try:
                return await self._by(self._backend, spec, warnings)
            except GenerationError as exc:
                if self._fallback is None:
                    raise
                note = f"{self._backend.name} failed ({exc.reason}); the templates wrote this instead"
                current_span().add_event("fallback", {"accelerapp.reason": exc.reason})
                current_span().set_attribute("accelerapp.fallback.from", self._backend.name)
                self._metrics.fell_back(spec.platform, self._backend.name, exc.reason)
                return await self._by(self._fallback, spec, [*warnings, note])

    async def _by(self, backend: Backend, spec: HardwareSpecification, warnings: list[str]) -> Generation:
        current_span().set_attribute("accelerapp.backend", backend.name)
        platform = PLATFORMS[spec.platform]
        fields = {
            "platform": spec.platform,
            "board": spec.board,
            "backend": backend.name,
            "specification": spec.name,
        }
        try:
            project = await backend.generate(spec)
            with trace_block("check code", {"accelerapp.files": len(project.files)}) as span:
                found = await run_in_threadpool(_checked, platform, project, spec)
                span.set_attribute("accelerapp.warnings", len(found))
            with trace_block("render project"):
                project = _rendered(platform, project, spec)
        except GenerationError as exc:
            self._metrics.failed(spec.platform, backend.name, exc.reason)
            current_span().set_attribute("error.type", exc.reason)
            _logger.error(
                "code generation failed: %s", exc, extra={"extra_fields": {**fields, "reason": exc.reason}}
            )
            raise
        except Exception:
            self._metrics.failed(spec.platform, backend.name, "internal")
            _logger.exception(
                "code generation failed by an error of ours",
                extra={"extra_fields": {**fields, "reason": "internal"}},
            )
            raise
        self._metrics.succeeded(spec.platform, backend.name)
        _logger.info(
            "code generated: %d files",
            len(project.files),
            extra={"extra_fields": {**fields, "warnings": len(found)}},
        )
        return Generation(project, backend.name, [*warnings, *found])


def _checked(platform: Platform, project: Project, spec: HardwareSpecification) -> list[str]:
    """Return warnings; raises GenerationError where the code must not be handed out."""
    findings = platform.check(project, spec)
    for reason in ("invalid_code", "invalid_pins"):
        wrong = [str(finding) for finding in findings if finding.kind == reason]
        if wrong:
            more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
            raise GenerationError(reason, "; ".join(wrong[:3]) + more)
    return [str(finding) for finding in findings if finding.kind == "warning"]


def _rendered(platform: Platform, project: Project, spec: HardwareSpecification) -> Project:
    """Return the project as it is handed out: lines end alike, and a README tells what is wired where."""
    files = [
        ProjectFile(
            path=file.path,
            content=file.content.replace("\r\n", "\n").rstrip("\n") + "\n" if file.content else "",
        )
        for file in project.files
    ]
    if all(file.path != "README.md" for file in files):
        files.append(ProjectFile(path="README.md", content=platform.readme(spec)))
    return Project(files=files)
