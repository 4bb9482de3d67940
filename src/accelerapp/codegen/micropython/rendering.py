"""From a specification to a MicroPython project, by templates."""

from __future__ import annotations

import functools

import jinja2

from accelerapp.codegen.boards import BOARDS
from accelerapp.codegen.project import Project, ProjectFile
from accelerapp.codegen.specification import (
    DEFAULT_ADDRESSES,
    AddressedSensor,
    AnalogSensor,
    HardwareSpecification,
    Sensor,
)
from accelerapp.codegen.templating import environment

_MACHINE_NAMES = {
    "analog_input": ("ADC",),
    "i2c": ("I2C",),
    "pwm": ("PWM",),
    "spi": ("SPI",),
    "uart": ("UART",),
}


def _class_of(sensor: Sensor) -> str:
    return sensor.kind.capitalize()


def _construct(sensor: Sensor) -> str:
    """Return the expression that makes a sensor's driver."""
    arguments = [sensor.peripheral]
    if isinstance(sensor, AddressedSensor):
        arguments.append(f"{sensor.address or DEFAULT_ADDRESSES[sensor.kind]:#04x}")
    elif isinstance(sensor, AnalogSensor):
        line = (sensor.raw_low, sensor.raw_high, sensor.value_low, sensor.value_high)
        arguments += [repr(number) for number in line]
    elif sensor.kind == "max6675":
        arguments.append(f"{sensor.peripheral}_cs")
    return f"{_class_of(sensor)}({', '.join(arguments)})"


@functools.cache
def templates() -> jinja2.Environment:
    return environment("accelerapp.codegen.micropython", {"py": repr, "construct": _construct})


def _imports(spec: HardwareSpecification) -> list[tuple[str, str]]:
    types = {peripheral.type for peripheral in spec.peripherals}
    found: set[tuple[str, str]] = {(sensor.kind, _class_of(sensor)) for sensor in spec.sensors}
    if "digital_output" in types:
        found.add(("outputs", "DigitalOutput"))
    if "pwm" in types:
        found.add(("outputs", "PwmOutput"))
    if spec.actions:
        found.add(("rules", "Threshold"))
    return sorted(found)


def render_project(spec: HardwareSpecification) -> Project:
    """Return the project for a specification that `check_specification` has accepted."""
    imports = _imports(spec)
    types = {peripheral.type for peripheral in spec.peripherals}
    names = {name for kind in types for name in _MACHINE_NAMES.get(kind, ())} | {"Pin"}
    values = {
        "spec": spec,
        "board": BOARDS[spec.board],
        "imports": imports,
        "machine_names": sorted(names),
    }
    paths = ["boot.py", "config.py", "main.py"]
    paths += [f"drivers/{module}.py" for module in dict.fromkeys(module for module, _ in imports)]
    files = [
        ProjectFile(path=path, content=templates().get_template(f"{path}.j2").render(values))
        for path in paths
    ]
    if imports:
        files.append(ProjectFile(path="drivers/__init__.py", content=""))
    return Project(files=files)
