"""The boards that code is generated for: which pins exist, what they can do, and which buses there are.

From the chips' datasheets (ESP32, ESP32-C3, RP2040) and MicroPython's documentation of the ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bus:
    """One hardware bus: for each signal the pins it can be on; an absent signal may be on any output pin."""

    pins: Mapping[str, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Board:
    """One board as its firmware sees it.

    `pins` are the usable GPIO numbers; `reserved` ones exist and must not be used, with the reason;
    `caution` ones work with a drawback. Of PWM there are so many outputs, and so many frequencies among them.
    """

    id: str
    name: str
    pins: frozenset[int]
    reserved: Mapping[int, str]
    input_only: frozenset[int]
    adc: frozenset[int]
    caution: Mapping[int, str]
    i2c: Mapping[int, Bus]
    spi: Mapping[int, Bus]
    uart: Mapping[int, Bus]
    has_attenuation: bool = False
    named_pins: frozenset[str] = frozenset()
    pwm_outputs: int = 16
    pwm_frequencies: int = 8

    def problem_with_pin(self, pin: int) -> str | None:
        """Return why a pin cannot be used at all, or None."""
        if pin in self.pins:
            return None
        reason = self.reserved.get(pin)
        if reason is not None:
            return f"GPIO{pin} of {self.name} is {reason}"
        return f"{self.name} has no GPIO{pin}; it has {ranges(self.pins)}"

    def problem_with_output(self, pin: int) -> str | None:
        """Return why a pin cannot be driven, or None."""
        problem = self.problem_with_pin(pin)
        if problem is None and pin in self.input_only:
            return f"GPIO{pin} of {self.name} is input only; it cannot be driven"
        return problem

    def problem_with_adc(self, pin: int) -> str | None:
        """Return why a pin cannot be read as a voltage, or None."""
        problem = self.problem_with_pin(pin)
        if problem is None and pin not in self.adc:
            return f"GPIO{pin} of {self.name} has no ADC; {ranges(self.adc)} have one"
        return problem

    def problems_with_bus(
        self, kind: str, number: int, signals: Mapping[str, int]
    ) -> list[tuple[str, str | None]]:
        """Return why a bus (i2c, spi or uart) with these signals on these pins does not exist, as (field, message)."""
        buses: Mapping[int, Bus] = getattr(self, kind)
        bus = buses.get(number)
        if bus is None:
            return [("bus", f"{self.name} has no {kind.upper()}{number}; it has {ranges(buses)}")]
        problems: list[tuple[str, str | None]] = []
        for signal, pin in signals.items():
            is_input = signal in {"rx", "miso"}
            problem = self.problem_with_pin(pin) if is_input else self.problem_with_output(pin)
            allowed = bus.pins.get(signal)
            if problem is None and allowed is not None and pin not in allowed:
                problem = (
                    f"{kind.upper()}{number} of {self.name} cannot have {signal.upper()} on GPIO{pin}; "
                    f"it can on {ranges(allowed)}"
                )
            if problem is not None:
                problems.append((signal, problem))
        return problems


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers in words, runs shortened: `0–5, 12–19`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in parts)


def _set(*spans: int | range) -> frozenset[int]:
    return frozenset(number for span in spans for number in ((span,) if isinstance(span, int) else span))


ESP32 = Board(
    id="esp32",
    name="ESP32 DevKitC (ESP32-WROOM-32)",
    pins=_set(0, 2, 4, 5, range(12, 20), range(21, 24), range(25, 28), range(32, 37), 39),
    reserved={
        **dict.fromkeys(range(6, 12), "wired to the flash chip"),
        **dict.fromkeys((1, 3), "the serial console"),
    },
    input_only=_set(range(34, 37), 39),
    adc=_set(0, 2, 4, range(12, 16), range(25, 28), range(32, 37), 39),
    caution={
        **dict.fromkeys((0, 2, 4, 13, 14, 25, 26, 27), "as an ADC it does not work while Wi-Fi is on (ADC2)"),
        **dict.fromkeys((0, 2, 5, 12, 15), "is read at reset and decides how the chip starts"),
    },
    i2c={0: Bus(), 1: Bus()},
    spi={1: Bus(), 2: Bus()},
    uart={1: Bus(), 2: Bus()},
    has_attenuation=True,
)

ESP32_C3 = Board(
    id="esp32c3",
    name="ESP32-C3-DevKitM-1",
    pins=_set(range(11), 18, 19),
    reserved={
        **dict.fromkeys(range(11, 18), "wired to the flash chip"),
        **dict.fromkeys((20, 21), "the serial console"),
    },
    input_only=frozenset(),
    adc=_set(range(5)),
    caution={
        **dict.fromkeys((2, 8, 9), "is read at reset and decides how the chip starts"),
        **dict.fromkeys((18, 19), "is the USB port's; using it ends the USB console"),
    },
    i2c={0: Bus()},
    spi={1: Bus()},
    uart={1: Bus()},
    has_attenuation=True,
    pwm_outputs=6,
    pwm_frequencies=4,
)

PICO = Board(
    id="pico",
    name="Raspberry Pi Pico (RP2040)",
    pins=_set(range(23), range(26, 29)),
    reserved={
        23: "the power supply's mode",
        24: "the sense of USB power",
        25: 'the LED (in MicroPython Pin("LED"))',
        29: "the sense of the supply voltage",
    },
    input_only=frozenset(),
    adc=_set(26, 27, 28),
    caution={},
    i2c={
        0: Bus({"sda": _set(0, 4, 8, 12, 16, 20, 28), "scl": _set(1, 5, 9, 13, 17, 21)}),
        1: Bus({"sda": _set(2, 6, 10, 14, 18, 22, 26), "scl": _set(3, 7, 11, 15, 19, 27)}),
    },
    spi={
        0: Bus({"sck": _set(2, 6, 18, 22), "mosi": _set(3, 7, 19), "miso": _set(0, 4, 16, 20)}),
        1: Bus({"sck": _set(10, 14, 26), "mosi": _set(11, 15, 27), "miso": _set(8, 12, 28)}),
    },
    uart={
        0: Bus({"tx": _set(0, 12, 16, 28), "rx": _set(1, 13, 17)}),
        1: Bus({"tx": _set(4, 8, 20), "rx": _set(5, 9, 21)}),
    },
    named_pins=frozenset({"LED"}),
)

BOARDS: Mapping[str, Board] = {board.id: board for board in (ESP32, ESP32_C3, PICO)}
