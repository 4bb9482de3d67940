"""Whether a specification can be built: pins, buses and references, against the board's tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from accelerapp.codegen.boards import BOARDS, Board
from accelerapp.codegen.specification import (
    DEFAULT_ADDRESSES,
    QUANTITIES,
    WIRING,
    AddressedSensor,
    AnalogInput,
    DigitalInput,
    DigitalOutput,
    HardwareSpecification,
    I2c,
    OneWire,
    Peripheral,
    PwmOutput,
    Spi,
    Uart,
)


class SpecificationError(ValueError):
    """A specification that cannot be built; `problems` says where and why, each as (location, message)."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {message}" for where, message in problems))
        self.problems = problems


def pins_of(peripheral: Peripheral) -> dict[str, int]:
    """Return the signals of a peripheral and the pins they are on."""
    match peripheral:
        case I2c():
            return {"scl": peripheral.scl, "sda": peripheral.sda}
        case Spi():
            return {
                "sck": peripheral.sck,
                "mosi": peripheral.mosi,
                "miso": peripheral.miso,
                "cs": peripheral.cs,
            }
        case Uart():
            return {"tx": peripheral.tx, "rx": peripheral.rx}
        case _:
            return {"pin": peripheral.pin}


def check_specification(spec: HardwareSpecification) -> list[str]:
    """Return warnings about pins that work with a drawback.

    Raises:
        SpecificationError: a pin or bus does not exist or cannot do what is asked, or a reference is wrong.
    """
    board = BOARDS[spec.board]
    problems = [*_names(spec), *_pins(spec, board), *_sensors(spec), *_actions(spec)]
    if problems:
        raise SpecificationError(problems)
    return [
        f"{peripheral.id}: GPIO{pin} {board.caution[pin]}"
        for peripheral in spec.peripherals
        for pin in pins_of(peripheral).values()
        if pin in board.caution and _concerns(peripheral, board.caution[pin])
    ]


def _concerns(peripheral: Peripheral, caution: str) -> bool:
    return isinstance(peripheral, AnalogInput) or "ADC" not in caution


def _names(spec: HardwareSpecification) -> Iterator[tuple[str, str]]:
    named = [item.id for item in (*spec.peripherals, *spec.sensors, *spec.actions)]
    named += [f"{item.id}_cs" for item in spec.peripherals if isinstance(item, Spi)]
    for name, times in Counter(named).items():
        if times > 1:
            yield "id", f"{name!r} is given {times} times; every id must be its own"


def _pins(spec: HardwareSpecification, board: Board) -> Iterator[tuple[str, str]]:
    used: dict[int, str] = {}
    for index, peripheral in enumerate(spec.peripherals):
        where = f"peripherals.{index} ({peripheral.id})"
        for problem in _peripheral_problems(peripheral, board):
            yield where, problem
        for signal, pin in pins_of(peripheral).items():
            if pin in used:
                yield where, f"GPIO{pin} is used by {used[pin]} already"
            used[pin] = f"{peripheral.id}.{signal}"
    for kind in ("i2c", "spi", "uart"):
        numbers = Counter(
            p.bus for p in spec.peripherals if isinstance(p, I2c | Spi | Uart) and p.type == kind
        )
        for number, times in numbers.items():
            if times > 1:
                yield "peripherals", f"{kind.upper()}{number} is set up {times} times"


def _peripheral_problems(peripheral: Peripheral, board: Board) -> list[str]:
    found: list[str | None]
    match peripheral:
        case I2c() | Uart():
            return board.problem_with_bus(peripheral.type, peripheral.bus, pins_of(peripheral))
        case Spi():
            signals = pins_of(peripheral)
            found = [board.problem_with_output(signals.pop("cs"))]
            found += board.problem_with_bus("spi", peripheral.bus, signals)
        case AnalogInput():
            found = [board.problem_with_adc(peripheral.pin)]
        case DigitalOutput() | PwmOutput() | OneWire():
            found = [board.problem_with_output(peripheral.pin)]
        case DigitalInput():
            found = [board.problem_with_pin(peripheral.pin)]
            if found == [None] and peripheral.pull != "none" and peripheral.pin in board.input_only:
                found = [f"GPIO{peripheral.pin} of {board.name} has no pull resistors; set pull to none"]
    return [problem for problem in found if problem is not None]


def _sensors(spec: HardwareSpecification) -> Iterator[tuple[str, str]]:
    types = {peripheral.id: peripheral.type for peripheral in spec.peripherals}
    addresses: set[tuple[str, int]] = set()
    for index, sensor in enumerate(spec.sensors):
        where = f"sensors.{index} ({sensor.id})"
        wired = types.get(sensor.peripheral)
        if wired is None:
            yield where, f"there is no peripheral {sensor.peripheral!r}"
        elif wired != WIRING[sensor.kind]:
            yield where, f"a {sensor.kind} needs a peripheral of type {WIRING[sensor.kind]}, not {wired}"
        if isinstance(sensor, AddressedSensor):
            key = (sensor.peripheral, sensor.address or DEFAULT_ADDRESSES[sensor.kind])
            if key in addresses:
                yield where, f"address {key[1]:#04x} on {sensor.peripheral} is another sensor's already"
            addresses.add(key)
        if sensor.kind == "analog" and sensor.raw_low == sensor.raw_high:
            yield where, "raw_low and raw_high must differ"


def _actions(spec: HardwareSpecification) -> Iterator[tuple[str, str]]:
    known = {f"{s.id}.{quantity}" for s in spec.sensors for quantity in QUANTITIES[s.kind]}
    outputs = {p.id: p.type for p in spec.peripherals if isinstance(p, DigitalOutput | PwmOutput)}
    driven: set[str] = set()
    for index, action in enumerate(spec.actions):
        where = f"actions.{index} ({action.id})"
        if action.measurement not in known:
            yield (
                where,
                f"nothing measures {action.measurement!r}; there are {', '.join(sorted(known)) or 'none'}",
            )
        if action.output not in outputs:
            yield where, f"{action.output!r} is no digital_output or pwm peripheral"
        elif action.level != 1.0 and outputs[action.output] != "pwm":
            yield where, f"{action.output!r} is on or off; a level other than 1 needs a pwm peripheral"
        if action.output in driven:
            yield where, f"{action.output!r} is driven by another action already"
        driven.add(action.output)
