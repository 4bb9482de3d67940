"""One generation: check the specification, have the backend write, check what it wrote, count the outcome."""

from __future__ import annotations

from dataclasses import dataclass

from accelerapp.codegen.backend import Backend, GenerationError
from accelerapp.codegen.code_check import check_project
from accelerapp.codegen.metrics import GenerationMetrics
from accelerapp.codegen.project import Project
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
    platform: str
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
        attributes = {"accelerapp.platform": spec.board, "accelerapp.specification": spec.name}
        with trace_block("generate", attributes):
            with trace_block("validate specification"):
                warnings = check_specification(spec)
            try:
                return await self._by(self._backend, spec, warnings)
            except GenerationError as exc:
                if self._fallback is None:
                    raise
                note = f"{self._backend.name} failed ({exc.reason}); the templates wrote this instead"
                current_span().add_event("fallback", {"reason": exc.reason})
                return await self._by(self._fallback, spec, [*warnings, note])

    async def _by(self, backend: Backend, spec: HardwareSpecification, warnings: list[str]) -> Generation:
        current_span().set_attribute("accelerapp.backend", backend.name)
        fields = {"platform": spec.board, "backend": backend.name, "specification": spec.name}
        try:
            project = await backend.generate(spec)
            with trace_block("check code", {"accelerapp.files": len(project.files)}):
                found = _checked(project, spec)
        except GenerationError as exc:
            self._metrics.failed(spec.board, backend.name, exc.reason)
            current_span().set_attribute("error.type", exc.reason)
            _logger.error(
                "code generation failed: %s", exc, extra={"extra_fields": {**fields, "reason": exc.reason}}
            )
            raise
        except Exception:
            self._metrics.failed(spec.board, backend.name, "internal")
            _logger.exception(
                "code generation failed by an error of ours",
                extra={"extra_fields": {**fields, "reason": "internal"}},
            )
            raise
        self._metrics.succeeded(spec.board, backend.name)
        _logger.info(
            "code generated: %d files",
            len(project.files),
            extra={"extra_fields": {**fields, "warnings": len(found)}},
        )
        return Generation(project, backend.name, spec.board, [*warnings, *found])


def _checked(project: Project, spec: HardwareSpecification) -> list[str]:
    """Return warnings; raises GenerationError where the code must not be handed out."""
    findings = check_project(project, spec)
    for reason in ("invalid_code", "invalid_pins"):
        wrong = [str(finding) for finding in findings if finding.kind == reason]
        if wrong:
            more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
            raise GenerationError(reason, "; ".join(wrong[:3]) + more)
    return [str(finding) for finding in findings if finding.kind == "warning"]
