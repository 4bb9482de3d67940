"""Arduino: C++ with the cores for ESP32 and RP2040, and no other library."""

from __future__ import annotations

from collections.abc import Sequence

from accelerapp.codegen.arduino.code_check import check_project
from accelerapp.codegen.arduino.rendering import readme, render_project
from accelerapp.codegen.findings import Finding
from accelerapp.codegen.project import Project
from accelerapp.codegen.specification import HardwareSpecification, PwmOutput

#: The lowest frequency, in Hz, that the core for the RP2040 can make.
_PICO_LOWEST_PWM = 100


class Arduino:
    id = "arduino"
    name = "Arduino"
    language = "C++"
    instructions = """\
You write Arduino sketches for microcontrollers. There is a file NAME/NAME.ino, NAME being that of the specification;
headers are beside it or in NAME/src. Use only Arduino.h, Wire.h and SPI.h of the core (esp32 3.x by Espressif, or
arduino-pico) and the C++ standard library; write drivers yourself. Use only the pins and buses of the specification, as
constexpr constants, and let loop() return soon."""

    def problems(self, spec: HardwareSpecification) -> list[tuple[Sequence[str | int], str]]:
        """Return what the core cannot do: on the RP2040 all PWM outputs have one frequency."""
        if spec.board != "pico":
            return []
        found: list[tuple[Sequence[str | int], str]] = []
        first: PwmOutput | None = None
        for index, peripheral in enumerate(spec.peripherals):
            if not isinstance(peripheral, PwmOutput):
                continue
            where = ("peripherals", index, "frequency_hz")
            if peripheral.frequency_hz < _PICO_LOWEST_PWM:
                found.append(
                    (where, f"Arduino's core for the RP2040 makes no PWM below {_PICO_LOWEST_PWM} Hz")
                )
            if first is not None and peripheral.frequency_hz != first.frequency_hz:
                other = f"{first.id} has {first.frequency_hz} Hz"
                found.append(
                    (where, f"Arduino's core for the RP2040 has one frequency for all PWM outputs: {other}")
                )
            first = first or peripheral
        return found

    def render(self, spec: HardwareSpecification) -> Project:
        return render_project(spec)

    def readme(self, spec: HardwareSpecification) -> str:
        return readme(spec, self)

    def check(self, project: Project, spec: HardwareSpecification) -> list[Finding]:
        return check_project(project, spec)
