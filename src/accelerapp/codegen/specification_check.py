"""Whether a specification can be built: pins, buses and references, against the board's tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from accelerapp.codegen.boards import BOARDS, Board
from accelerapp.codegen.platforms import PLATFORMS
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
    pins_of,
)

#: The path of a field, such as ("peripherals", 0, "pin"), and what is wrong with it.
Problem = tuple[Sequence[str | int], str]


class SpecificationError(ValueError):
    """A specification that cannot be built; `problems` says which fields are wrong and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message in problems))
        self.problems = problems


def check_specification(spec: HardwareSpecification) -> list[str]:
    """Return warnings about pins that work with a drawback.

    Raises:
        SpecificationError: a pin or bus does not exist or cannot do what is asked, or a reference is wrong.
    """
    board = BOARDS[spec.board]
    problems = [*_names(spec), *_pins(spec, board), *_sensors(spec), *_actions(spec)]
    problems += PLATFORMS[spec.platform].problems(spec)
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


def _names(spec: HardwareSpecification) -> Iterator[Problem]:
    given = set[str]()
    for section in ("peripherals", "sensors", "actions"):
        for index, item in enumerate(getattr(spec, section)):
            names = {item.id, f"{item.id}_cs"} if isinstance(item, Spi) else {item.id}
            for name in sorted(names & given):
                yield (section, index, "id"), f"{name!r} is another's already; every id must be its own"
            given |= names


def _pins(spec: HardwareSpecification, board: Board) -> Iterator[Problem]:
    used: dict[int, str] = {}
    for index, peripheral in enumerate(spec.peripherals):
        for field, problem in _peripheral_problems(peripheral, board):
            yield ("peripherals", index, field), problem
        for signal, pin in pins_of(peripheral).items():
            if pin in used:
                yield ("peripherals", index, signal), f"GPIO{pin} is used by {used[pin]} already"
            used[pin] = f"{peripheral.id}.{signal}"
    yield from _pwm(spec, board)
    yield from _pico_pwm(spec)
    buses: Counter[tuple[str, int]] = Counter()
    for index, peripheral in enumerate(spec.peripherals):
        if isinstance(peripheral, I2c | Spi | Uart):
            bus = (peripheral.type, peripheral.bus)
            if buses[bus]:
                yield (
                    ("peripherals", index, "bus"),
                    f"{peripheral.type.upper()}{peripheral.bus} is set up already",
                )
            buses[bus] += 1


def _pwm(spec: HardwareSpecification, board: Board) -> Iterator[Problem]:
    """Yield the PWM outputs for which the chip has no channel or no timer left; a timer makes one frequency."""
    outputs = 0
    frequencies: set[int] = set()
    for index, peripheral in enumerate(spec.peripherals):
        if not isinstance(peripheral, PwmOutput):
            continue
        outputs += 1
        if outputs > board.pwm_outputs:
            yield ("peripherals", index, "type"), f"{board.name} has {board.pwm_outputs} PWM outputs, no more"
        if peripheral.frequency_hz not in frequencies and len(frequencies) == board.pwm_frequencies:
            given = ", ".join(str(frequency) for frequency in sorted(frequencies))
            yield (
                ("peripherals", index, "frequency_hz"),
                f"{board.name} makes {board.pwm_frequencies} PWM frequencies at once, no more; use one of {given}",
            )
        else:
            frequencies.add(peripheral.frequency_hz)


def _pico_pwm(spec: HardwareSpecification) -> Iterator[Problem]:
    """Yield the PWM outputs that the RP2040 cannot tell apart: a pin and the 16th after it are one channel."""
    channels: dict[int, PwmOutput] = {}
    slices: dict[int, PwmOutput] = {}
    for index, peripheral in enumerate(spec.peripherals):
        if spec.board != "pico" or not isinstance(peripheral, PwmOutput):
            continue
        channel = peripheral.pin % 16
        if channel in channels:
            same = f"GPIO{peripheral.pin} has the PWM channel that {channels[channel].id} has"
            yield ("peripherals", index, "pin"), same
        other = slices.setdefault(channel // 2, peripheral)
        if other.frequency_hz != peripheral.frequency_hz:
            one = (
                f"{other.id} on GPIO{other.pin} has {other.frequency_hz} Hz, and with it GPIO{peripheral.pin}"
            )
            yield ("peripherals", index, "frequency_hz"), one
        channels.setdefault(channel, peripheral)


def _peripheral_problems(peripheral: Peripheral, board: Board) -> Iterator[tuple[str, str]]:
    """Yield (field, message) of what the board cannot do."""
    found: list[tuple[str, str | None]]
    match peripheral:
        case I2c() | Uart():
            found = board.problems_with_bus(peripheral.type, peripheral.bus, pins_of(peripheral))
        case Spi():
            signals = pins_of(peripheral)
            found = [("cs", board.problem_with_output(signals.pop("cs")))]
            found += board.problems_with_bus("spi", peripheral.bus, signals)
        case AnalogInput():
            found = [("pin", board.problem_with_adc(peripheral.pin))]
        case DigitalOutput() | PwmOutput() | OneWire():
            found = [("pin", board.problem_with_output(peripheral.pin))]
        case DigitalInput():
            found = [("pin", board.problem_with_pin(peripheral.pin))]
            if found == [("pin", None)] and peripheral.pull != "none" and peripheral.pin in board.input_only:
                missing = f"GPIO{peripheral.pin} of {board.name} has no pull resistors; set pull to none"
                found = [("pull", missing)]
    yield from ((field, problem) for field, problem in found if problem is not None)


def _sensors(spec: HardwareSpecification) -> Iterator[Problem]:
    types = {peripheral.id: peripheral.type for peripheral in spec.peripherals}
    addresses: set[tuple[str, int]] = set()
    for index, sensor in enumerate(spec.sensors):
        where = ("sensors", index)
        wired = types.get(sensor.peripheral)
        if wired is None:
            yield (*where, "peripheral"), f"there is no peripheral {sensor.peripheral!r}"
        elif wired != WIRING[sensor.kind]:
            needed = f"a {sensor.kind} needs a peripheral of type {WIRING[sensor.kind]}, not {wired}"
            yield (*where, "peripheral"), needed
        if isinstance(sensor, AddressedSensor):
            key = (sensor.peripheral, sensor.address or DEFAULT_ADDRESSES[sensor.kind])
            if key in addresses:
                taken = f"address {key[1]:#04x} on {sensor.peripheral} is another sensor's already"
                yield (*where, "address"), taken
            addresses.add(key)
        if sensor.kind == "analog" and sensor.raw_low == sensor.raw_high:
            yield (*where, "raw_high"), "raw_low and raw_high must differ"


def _actions(spec: HardwareSpecification) -> Iterator[Problem]:
    known = {f"{s.id}.{quantity}" for s in spec.sensors for quantity in QUANTITIES[s.kind]}
    outputs = {p.id: p.type for p in spec.peripherals if isinstance(p, DigitalOutput | PwmOutput)}
    driven: set[str] = set()
    for index, action in enumerate(spec.actions):
        where = ("actions", index)
        if action.measurement not in known:
            there = ", ".join(sorted(known)) or "none"
            yield (*where, "measurement"), f"nothing measures {action.measurement!r}; there are {there}"
        if action.output not in outputs:
            yield (*where, "output"), f"{action.output!r} is no digital_output or pwm peripheral"
        elif action.level != 1.0 and outputs[action.output] != "pwm":
            only = f"{action.output!r} is on or off; a level other than 1 needs a pwm peripheral"
            yield (*where, "level"), only
        if action.output in driven:
            yield (*where, "output"), f"{action.output!r} is driven by another action already"
        driven.add(action.output)
