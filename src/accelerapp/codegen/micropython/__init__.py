"""MicroPython: Python on the microcontroller, with the modules that it ships."""

from __future__ import annotations

import keyword
from collections.abc import Sequence

from accelerapp.codegen.boards import BOARDS
from accelerapp.codegen.findings import Finding
from accelerapp.codegen.micropython.code_check import check_project
from accelerapp.codegen.micropython.rendering import render_project, templates
from accelerapp.codegen.project import Project
from accelerapp.codegen.specification import HardwareSpecification

#: Names that the generated modules use themselves.
_TAKEN = frozenset(
    {"config", "drivers", "int", "json", "machine", "main", "max", "measure", "print", "str", "time"}
)


class MicroPython:
    id = "micropython"
    name = "MicroPython"
    language = "Python"
    instructions = """\
You write MicroPython projects for microcontrollers. There is a main.py. Drivers are in the folder drivers.
Use only modules that MicroPython ships, or write them. Use only the pins and buses of the specification, as
machine.Pin(number) with numbers or module-level constants."""

    def problems(self, spec: HardwareSpecification) -> list[tuple[Sequence[str | int], str]]:
        """Return the ids that Python or the generated code uses."""
        return [
            ((section, index, "id"), f"{item.id!r} cannot be a name: Python or the generated code uses it")
            for section in ("peripherals", "sensors", "actions")
            for index, item in enumerate(getattr(spec, section))
            if keyword.iskeyword(item.id) or item.id in _TAKEN
        ]

    def render(self, spec: HardwareSpecification) -> Project:
        return render_project(spec)

    def readme(self, spec: HardwareSpecification) -> str:
        return (
            templates()
            .get_template("README.md.j2")
            .render(spec=spec, board=BOARDS[spec.board], platform=self)
        )

    def check(self, project: Project, spec: HardwareSpecification) -> list[Finding]:
        return check_project(project, spec)
