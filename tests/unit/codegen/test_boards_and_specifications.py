"""What can be wired to which board, and what a specification that cannot be built is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from accelerapp.codegen import HardwareSpecification, SpecificationError, check_specification
from accelerapp.codegen.boards import BOARDS, ranges


def spec(board: str, *peripherals: dict[str, Any], **more: Any) -> HardwareSpecification:
    return HardwareSpecification.model_validate(
        {"name": "test", "board": board, "peripherals": list(peripherals), **more}
    )


def problems(specification: HardwareSpecification) -> str:
    with pytest.raises(SpecificationError) as caught:
        check_specification(specification)
    return str(caught.value)


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.id)
def test_the_tables_agree_with_themselves(board: Any) -> None:
    assert not board.pins & board.reserved.keys()
    assert board.input_only <= board.pins
    assert board.adc <= board.pins
    assert board.caution.keys() <= board.pins
    for buses in (board.i2c, board.spi, board.uart):
        for bus in buses.values():
            assert all(pins <= board.pins for pins in bus.pins.values())


def test_the_examples_can_be_built_without_a_warning(example: dict[str, Any]) -> None:
    assert check_specification(HardwareSpecification.model_validate(example)) == []


OUT = {"type": "digital_output", "id": "out"}
ADC = {"type": "analog_input", "id": "probe"}
I2C = {"type": "i2c", "id": "wire", "bus": 0}
UART = {"type": "uart", "id": "port", "bus": 0}
SPI = {"type": "spi", "id": "chain", "bus": 0, "cs": 17}


@pytest.mark.parametrize(
    ("board", "peripheral", "expected"),
    [
        ("esp32", {**OUT, "pin": 34}, "GPIO34 of ESP32 DevKitC (ESP32-WROOM-32) is input only"),
        ("esp32", {**OUT, "pin": 6}, "wired to the flash chip"),
        ("esp32", {**OUT, "pin": 1}, "the serial console"),
        ("esp32", {**OUT, "pin": 24}, "has no GPIO24; it has 0, 2, 4–5, 12–19, 21–23, 25–27, 32–36, 39"),
        ("esp32", {**ADC, "pin": 23}, "GPIO23 of ESP32 DevKitC (ESP32-WROOM-32) has no ADC"),
        ("esp32", {**I2C, "bus": 2, "scl": 22, "sda": 21}, "has no I2C2; it has 0–1"),
        ("esp32", {**I2C, "scl": 35, "sda": 21}, "GPIO35 of ESP32 DevKitC (ESP32-WROOM-32) is input only"),
        ("esp32", {"type": "digital_input", "id": "b", "pin": 36, "pull": "up"}, "has no pull resistors"),
        ("esp32c3", {**ADC, "pin": 5}, "0–4 have one"),
        ("esp32c3", {**I2C, "bus": 1, "scl": 4, "sda": 5}, "has no I2C1; it has 0"),
        (
            "pico",
            {**OUT, "pin": 25},
            'GPIO25 of Raspberry Pi Pico (RP2040) is the LED (in MicroPython Pin("LED"))',
        ),
        ("pico", {**ADC, "pin": 22}, "26–28 have one"),
        ("pico", {**I2C, "scl": 4, "sda": 5}, "I2C0 of Raspberry Pi Pico (RP2040) cannot have SCL on GPIO4"),
        ("pico", {**I2C, "scl": 3, "sda": 2}, "it can on 1, 5, 9, 13, 17, 21"),
        ("pico", {**UART, "tx": 4, "rx": 5}, "UART0 of Raspberry Pi Pico (RP2040) cannot have TX on GPIO4"),
        (
            "pico",
            {**SPI, "sck": 18, "mosi": 19, "miso": 12},
            "SPI0 of Raspberry Pi Pico (RP2040) cannot have MISO",
        ),
    ],
)
def test_a_pin_that_cannot_do_it_is_named(board: str, peripheral: dict[str, Any], expected: str) -> None:
    assert expected in problems(spec(board, peripheral))


@pytest.mark.parametrize(
    ("board", "peripheral"),
    [
        ("esp32", {"type": "digital_input", "id": "b", "pin": 36}),
        ("esp32", {**ADC, "pin": 39}),
        ("esp32", {**UART, "bus": 2, "tx": 17, "rx": 34}),
        ("pico", {**I2C, "bus": 1, "scl": 27, "sda": 26}),
        ("pico", {**SPI, "sck": 18, "mosi": 19, "miso": 16}),
        ("esp32c3", {**I2C, "scl": 9, "sda": 8}),
    ],
)
def test_what_the_chip_can_do_is_accepted(board: str, peripheral: dict[str, Any]) -> None:
    check_specification(spec(board, peripheral))


def test_a_pin_with_a_drawback_is_a_warning() -> None:
    warnings = check_specification(spec("esp32", {**OUT, "pin": 12}, {**ADC, "pin": 4}))
    assert warnings == [
        "out: GPIO12 is read at reset and decides how the chip starts",
        "probe: GPIO4 as an ADC it does not work while Wi-Fi is on (ADC2)",
    ]


LAMP = {"type": "pwm", "id": "lamp", "pin": 25}
PROBE = {"type": "analog_input", "id": "probe", "pin": 34}
SOIL = {"kind": "analog", "id": "soil", "peripheral": "probe"}
RULE = {"id": "rule", "measurement": "soil.value", "condition": "below", "threshold": 1, "output": "lamp"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"sensors": [{**SOIL, "peripheral": "none"}]}, "there is no peripheral 'none'"),
        (
            {"sensors": [{**SOIL, "peripheral": "lamp"}]},
            "a analog needs a peripheral of type analog_input, not pwm",
        ),
        ({"sensors": [{**SOIL, "id": "lamp"}]}, "sensors.0.id: 'lamp' is another's already"),
        ({"sensors": [{**SOIL, "raw_low": 5, "raw_high": 5}]}, "raw_low and raw_high must differ"),
        ({"actions": [RULE]}, "nothing measures 'soil.value'; there are none"),
        ({"sensors": [SOIL], "actions": [{**RULE, "measurement": "soil.ph"}]}, "there are soil.value"),
        ({"sensors": [SOIL], "actions": [{**RULE, "output": "probe"}]}, "no digital_output or pwm"),
        ({"sensors": [SOIL], "actions": [RULE, {**RULE, "id": "two"}]}, "driven by another action already"),
    ],
)
def test_a_reference_that_is_wrong_is_named(more: dict[str, Any], expected: str) -> None:
    assert expected in problems(spec("esp32", LAMP, PROBE, **more))


def test_a_level_needs_pwm() -> None:
    output = {"type": "digital_output", "id": "lamp", "pin": 25}
    wrong = spec("esp32", output, PROBE, sensors=[SOIL], actions=[{**RULE, "level": 0.5}])
    assert "a level other than 1 needs a pwm peripheral" in problems(wrong)


def test_two_things_on_one_pin_are_named() -> None:
    text = problems(spec("esp32", LAMP, {**OUT, "pin": 25}))
    assert text == "peripherals.1.pin: GPIO25 is used by lamp.pin already"


def test_one_address_twice_on_a_bus_is_named() -> None:
    sensors = [
        {"kind": "bme280", "id": "a", "peripheral": "wire"},
        {"kind": "bme280", "id": "b", "peripheral": "wire", "address": 0x76},
    ]
    assert "address 0x76 on wire" in problems(spec("esp32", {**I2C, "scl": 22, "sda": 21}, sensors=sensors))


def test_a_bus_set_up_twice_is_named() -> None:
    two = ({**I2C, "scl": 22, "sda": 21}, {**I2C, "id": "other", "scl": 18, "sda": 19})
    assert problems(spec("esp32", *two)) == "peripherals.1.bus: I2C0 is set up already"


@pytest.mark.parametrize("name", ["class", "main", "str"])
def test_a_name_that_python_or_the_project_uses_is_named(name: str) -> None:
    text = problems(spec("esp32", {**LAMP, "id": name}))
    assert text.startswith(f"peripherals.0.id: '{name}' cannot be a name")


def test_a_name_that_only_python_uses_is_free_in_arduino() -> None:
    assert check_specification(spec("esp32", {**LAMP, "id": "class"}, platform="arduino")) == []


def test_arduino_on_the_pico_has_one_frequency_for_all_pwm_outputs() -> None:
    fans = [
        {"type": "pwm", "id": f"fan{n}", "pin": n, "frequency_hz": hz} for n, hz in ((2, 1000), (4, 2000))
    ]
    assert check_specification(spec("pico", *fans)) == []
    text = problems(spec("pico", *fans, platform="arduino"))
    assert text.startswith("peripherals.1.frequency_hz: ")
    assert "fan2 has 1000 Hz" in text
    slow = {**LAMP, "pin": 2, "frequency_hz": 50}
    assert "no PWM below 100 Hz" in problems(spec("pico", slow, platform="arduino"))


@pytest.mark.parametrize(
    ("pin", "hz", "expected"),
    [
        (18, 1000, "peripherals.1.pin: GPIO18 has the PWM channel that fan has"),
        (3, 2000, "peripherals.1.frequency_hz: fan on GPIO2 has 1000 Hz, and with it GPIO3"),
        (3, 1000, None),
        (4, 2000, None),
    ],
)
def test_pwm_outputs_that_the_pico_cannot_tell_apart_are_named(
    pin: int, hz: int, expected: str | None
) -> None:
    fans = [
        {"type": "pwm", "id": "fan", "pin": 2, "frequency_hz": 1000},
        {"type": "pwm", "id": "pump", "pin": pin, "frequency_hz": hz},
    ]
    if expected is None:
        assert check_specification(spec("pico", *fans)) == []
    else:
        assert problems(spec("pico", *fans)) == expected


def pwm(pins: Iterable[int], frequencies: Iterable[int]) -> list[dict[str, Any]]:
    return [
        {"type": "pwm", "id": f"fan{pin}", "pin": pin, "frequency_hz": hz}
        for pin, hz in zip(pins, frequencies, strict=True)
    ]


@pytest.mark.parametrize("platform", ["micropython", "arduino"])
@pytest.mark.parametrize(
    ("board", "pins", "frequencies", "expected"),
    [
        ("esp32c3", (0, 1, 3, 4, 5, 6), (1000,) * 6, None),
        (
            "esp32c3",
            (0, 1, 3, 4, 5, 6, 7),
            (1000,) * 7,
            "peripherals.6.type: ESP32-C3-DevKitM-1 has 6 PWM outputs, no more",
        ),
        ("esp32c3", (0, 1, 3, 4, 5), (100, 200, 300, 400, 100), None),
        (
            "esp32c3",
            (0, 1, 3, 4, 5),
            (100, 200, 300, 400, 500),
            (
                "peripherals.4.frequency_hz: ESP32-C3-DevKitM-1 makes 4 PWM frequencies at once, no more; "
                "use one of 100, 200, 300, 400"
            ),
        ),
        ("esp32", (4, 13, 14, 16, 17, 18, 19, 21), range(100, 900, 100), None),
    ],
)
def test_pwm_outputs_and_frequencies_are_counted(
    platform: str, board: str, pins: Sequence[int], frequencies: Sequence[int], expected: str | None
) -> None:
    made = spec(board, *pwm(pins, frequencies), platform=platform)
    if expected is None:
        check_specification(made)
    else:
        assert problems(made) == expected


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SpecificationError) as caught:
        check_specification(
            spec("esp32", {**OUT, "pin": 34}, {**ADC, "pin": 24}, sensors=[SOIL | {"peripheral": "x"}])
        )
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"name": "Green House"},
        {"name": ""},
        {"board": "arduino"},
        {"description": "two\nlines"},
        {"description": "two\u2028lines"},
        {"peripherals": []},
        {"peripherals": [{"type": "pwm", "id": "a b", "pin": 25}]},
        {"peripherals": [{"type": "pwm", "id": "f", "pin": 25, "duty": 3}]},
        {"peripherals": [{"type": "laser", "id": "f", "pin": 25}]},
        {"interval_seconds": 0},
        {"sensors": [{"kind": "geiger", "id": "a", "peripheral": "pump"}]},
        {"actions": [{**RULE, "threshold": float("nan")}]},
    ],
)
def test_a_malformed_specification_is_refused(greenhouse: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HardwareSpecification.model_validate({**greenhouse, **change})


def test_ranges() -> None:
    assert ranges({5, 1, 2, 3, 9, 8}) == "1–3, 5, 8–9"
