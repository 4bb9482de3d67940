"""From a specification to an Arduino project, by templates."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable

import jinja2

from accelerapp.codegen.boards import BOARDS
from accelerapp.codegen.project import Project, ProjectFile
from accelerapp.codegen.specification import (
    DEFAULT_ADDRESSES,
    QUANTITIES,
    WIRING,
    AddressedSensor,
    AnalogSensor,
    HardwareSpecification,
    I2c,
    Peripheral,
    Sensor,
    Spi,
    Uart,
)
from accelerapp.codegen.templating import environment

#: The fully qualified board name that arduino-cli takes.
FQBN = {
    "esp32": "esp32:esp32:esp32",
    "esp32c3": "esp32:esp32:esp32c3",
    "pico": "rp2040:rp2040:rpipico",
}
#: Which object of the core stands for a bus; the numbers are the specification's.
_BUSES = {
    ("esp32", "spi", 1): "HSPI",
    ("esp32", "spi", 2): "VSPI",
    ("esp32c3", "spi", 1): "FSPI",
    ("pico", "spi", 0): "SPI",
    ("pico", "spi", 1): "SPI1",
    ("pico", "uart", 0): "Serial1",
    ("pico", "uart", 1): "Serial2",
}
_CORE_HEADERS = {"i2c": "Wire.h", "spi": "SPI.h"}
_HEADERS = {"dht11": "dht.h", "dht22": "dht.h"}


def literal(value: str | float) -> str:
    """Return a text or a number as C++ writes it."""
    return json.dumps(value) if isinstance(value, str) else repr(float(value))


def bus_object(board: str, peripheral: I2c | Spi | Uart) -> str:
    """Return what the board's core calls a bus."""
    found = _BUSES.get((board, peripheral.type, peripheral.bus))
    if found is not None:
        return found
    if isinstance(peripheral, I2c):
        return f"Wire{peripheral.bus or ''}"
    return f"Serial{peripheral.bus}"


def _comment(text: str) -> str:
    """Return text for a comment; a backslash at its end would take the next line into it."""
    return f"{text}." if text.endswith("\\") else text


def _construct(sensor: Sensor) -> str:
    """Return the definition of a sensor's driver."""
    config = f"config::{sensor.peripheral.upper()}"
    match WIRING[sensor.kind]:
        case "i2c":
            assert isinstance(sensor, AddressedSensor)
            address = sensor.address or DEFAULT_ADDRESSES[sensor.kind]
            arguments = f"{sensor.peripheral}_i2c, {address:#04x}"
        case "spi":
            arguments = f"{sensor.peripheral}_spi, {config}_CS, {config}_FREQUENCY_HZ"
        case "uart":
            arguments = f"{sensor.peripheral}_uart"
        case _:
            arguments = f"{config}_PIN"
    if isinstance(sensor, AnalogSensor):
        line = (sensor.raw_low, sensor.raw_high, sensor.value_low, sensor.value_high)
        arguments += "".join(f", {literal(number)}" for number in line)
    return f"{sensor.kind.capitalize()} {sensor.id}_sensor({arguments})"


@functools.cache
def templates() -> jinja2.Environment:
    filters: dict[str, Callable[..., str]] = {"cpp": literal, "comment": _comment, "construct": _construct}
    return environment("accelerapp.codegen.arduino", filters)


def _headers(spec: HardwareSpecification, types: set[str]) -> list[str]:
    found = {"measurements.h"} | {_HEADERS.get(sensor.kind, f"{sensor.kind}.h") for sensor in spec.sensors}
    if types & {"digital_output", "pwm"}:
        found.add("outputs.h")
    if spec.actions:
        found.add("rules.h")
    return sorted(found)


def render_project(spec: HardwareSpecification) -> Project:
    """Return the project for a specification that `check_specification` has accepted."""
    types: set[str] = {peripheral.type for peripheral in spec.peripherals}
    headers = _headers(spec, types)

    def bus(peripheral: Peripheral) -> str:
        assert isinstance(peripheral, I2c | Spi | Uart)
        return bus_object(spec.board, peripheral)

    made = templates().overlay()
    made.filters = {**made.filters, "bus": bus}
    values = {
        "spec": spec,
        "types": types,
        "kinds": {sensor.kind for sensor in spec.sensors},
        "board": BOARDS[spec.board],
        "board_is_pico": spec.board == "pico",
        "core_headers": sorted(_CORE_HEADERS[kind] for kind in types & _CORE_HEADERS.keys()),
        "own_headers": headers,
        "total": sum(len(QUANTITIES[sensor.kind]) for sensor in spec.sensors),
    }
    sources = {f"{spec.name}.ino": "sketch.ino.j2", "config.h": "config.h.j2"}
    sources |= {f"src/{header}": f"src/{header}.j2" for header in headers}
    if any(WIRING[sensor.kind] == "i2c" for sensor in spec.sensors):
        sources["src/i2c_device.h"] = "src/i2c_device.h.j2"
    return Project(
        files=[
            ProjectFile(path=f"{spec.name}/{path}", content=made.get_template(template).render(values))
            for path, template in sources.items()
        ]
    )


def readme(spec: HardwareSpecification, platform: object) -> str:
    """Return the project's README.md; `platform` is what the text names."""
    template = templates().get_template("README.md.j2")
    return template.render(spec=spec, board=BOARDS[spec.board], platform=platform, fqbn=FQBN[spec.board])
