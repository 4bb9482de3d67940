"""The generated MicroPython runs: against pins, buses and sensors played by Python objects."""

from __future__ import annotations

import io
import json
import re
import sys
import types
from contextlib import redirect_stdout
from typing import Any, ClassVar

import pytest

from accelerapp.codegen import HardwareSpecification, Project
from accelerapp.codegen.micropython import MicroPython
from accelerapp.codegen.micropython.rendering import render_project


class Stop(BaseException):
    """Ends the endless loop of main.py."""


class FakePin:
    IN, OUT, PULL_UP, PULL_DOWN = 0, 1, 2, 3
    levels: ClassVar[dict[int, list[int]]] = {}

    def __init__(self, number: int, mode: int = -1, pull: int = -1, value: int | None = None) -> None:
        self.number = number
        if value is not None:
            self.levels.setdefault(number, []).append(value)

    def value(self, level: int | None = None) -> int:
        if level is None:
            return 1
        self.levels.setdefault(self.number, []).append(level)
        return level


class FakeAdc:
    ATTN_11DB = 3
    readings: ClassVar[dict[int, int]] = {}

    def __init__(self, pin: FakePin, atten: int = 0) -> None:
        self._number = pin.number

    def read_u16(self) -> int:
        return self.readings.get(self._number, 0)


class FakePwm:
    duties: ClassVar[dict[int, list[int]]] = {}

    def __init__(self, pin: FakePin, freq: int, duty_u16: int) -> None:
        self._number = pin.number
        self.duty_u16(duty_u16)

    def duty_u16(self, duty: int) -> None:
        self.duties.setdefault(self._number, []).append(duty)


class SilentBus:
    """An I2C bus or a serial port on which nothing answers."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Take whatever is given."""

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> bytes | None:
            if name == "read":  # nothing has come by serial port, and SPI reads zeros
                return bytes(*args) if args else None
            raise OSError(19, "ENODEV")

        return call


def module(name: str, **members: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(members)
    return made


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> None:
    """MicroPython's modules, with no sensor answering but the ADC."""
    for state in (FakePin.levels, FakeAdc.readings, FakePwm.duties):
        state.clear()

    class NoDht:
        def __init__(self, pin: FakePin) -> None:
            """Be wired."""

        def measure(self) -> None:
            raise OSError(110, "ETIMEDOUT")

    def sleep_ms(milliseconds: int) -> None:
        if milliseconds > 5000:
            raise Stop

    machine = {
        "ADC": FakeAdc,
        "I2C": SilentBus,
        "PWM": FakePwm,
        "Pin": FakePin,
        "SPI": SilentBus,
        "UART": SilentBus,
    }
    fakes: dict[str, dict[str, Any]] = {
        "machine": machine,
        "dht": {"DHT11": NoDht, "DHT22": NoDht},
        "onewire": {"OneWire": lambda pin: pin},
        "ds18x20": {"DS18X20": lambda bus: types.SimpleNamespace(scan=list)},
        "time": {"ticks_ms": lambda: 0, "ticks_diff": lambda a, b: a - b, "sleep_ms": sleep_ms},
    }
    for name, members in fakes.items():
        monkeypatch.setitem(sys.modules, name, module(name, **members))


def load(project: Project, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Make the project's modules importable; returns the sources by path."""
    sources = {file.path: file.content for file in project.files}
    for path, source in sources.items():
        if path.endswith(".py") and path not in {"main.py", "boot.py"}:
            name = path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
            made = module(name, __path__=[])
            monkeypatch.setitem(sys.modules, name, made)
            exec(compile(source, path, "exec"), vars(made))
    return sources


def run_main(sources: dict[str, str]) -> list[dict[str, Any]]:
    printed = io.StringIO()
    with pytest.raises(Stop), redirect_stdout(printed):
        exec(compile(sources["main.py"], "main.py", "exec"), {"__name__": "__main__"})
    return [json.loads(line) for line in printed.getvalue().splitlines()]


@pytest.mark.usefixtures("board")
def test_every_example_runs_and_reports_the_sensors_that_do_not_answer(
    example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = load(render_project(HardwareSpecification.model_validate(example)), monkeypatch)
    *errors, values = run_main(sources)
    # What reads zeros from SPI is a thermocouple at nought.
    silent = {s["id"] for s in example["sensors"] if s["kind"] not in {"analog", "switch", "max6675"}}
    assert {line["sensor"] for line in errors} == silent
    assert {name.split(".")[0] for name in values} == {s["id"] for s in example["sensors"]} - silent


@pytest.mark.usefixtures("board")
def test_the_pump_starts_off_and_goes_on_in_dry_soil(
    greenhouse: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeAdc.readings[34] = 49_000
    sources = load(render_project(HardwareSpecification.model_validate(greenhouse)), monkeypatch)
    *_, values = run_main(sources)
    assert values["soil_moisture.value"] == pytest.approx(10)
    # Active low: 1 is off. It is off as the pin is made and as the driver starts, then on.
    assert FakePin.levels[26] == [1, 1, 0]
    # The temperature is missing, so the fan stays off.
    assert FakePwm.duties[25] == [0, 0, 0]


@pytest.mark.usefixtures("board")
def test_wet_soil_keeps_the_pump_off(greenhouse: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    FakeAdc.readings[34] = 25_000
    run_main(load(render_project(HardwareSpecification.model_validate(greenhouse)), monkeypatch))
    assert FakePin.levels[26] == [1, 1, 1]


ALL_KINDS = {
    "name": "everything",
    "description": 'a `tick`, a |bar| and """quotes""" # and {{ braces }}',
    "board": "pico",
    "peripherals": [
        {"type": "i2c", "id": "wire", "bus": 0, "scl": 5, "sda": 4},
        {"type": "spi", "id": "chain", "bus": 0, "sck": 18, "mosi": 19, "miso": 16, "cs": 17},
        {"type": "uart", "id": "port", "bus": 1, "tx": 8, "rx": 9},
        {"type": "one_wire", "id": "a", "pin": 10},
        {"type": "one_wire", "id": "b", "pin": 11},
        {"type": "one_wire", "id": "c", "pin": 12},
        {"type": "analog_input", "id": "probe", "pin": 26},
        {"type": "digital_input", "id": "contact", "pin": 13, "pull": "down"},
    ],
    "sensors": [
        {"kind": "bme280", "id": "s1", "peripheral": "wire"},
        {"kind": "bh1750", "id": "s2", "peripheral": "wire", "address": 92},
        {"kind": "scd4x", "id": "s3", "peripheral": "wire"},
        {"kind": "max6675", "id": "s4", "peripheral": "chain"},
        {"kind": "pms5003", "id": "s5", "peripheral": "port"},
        {"kind": "dht11", "id": "s6", "peripheral": "a"},
        {"kind": "dht22", "id": "s7", "peripheral": "b"},
        {"kind": "ds18x20", "id": "s8", "peripheral": "c"},
        {"kind": "analog", "id": "s9", "peripheral": "probe"},
        {"kind": "switch", "id": "s10", "peripheral": "contact"},
    ],
}


@pytest.fixture
def drivers(board: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return load(render_project(HardwareSpecification.model_validate(ALL_KINDS)), monkeypatch)


def test_every_kind_of_sensor_can_be_generated(drivers: dict[str, str]) -> None:
    *errors, values = run_main(drivers)
    assert values["s10.state"] == 1
    assert set(values) == {"s4.temperature_c", "s9.value", "s10.state"}
    assert {line["sensor"] for line in errors} == {"s1", "s2", "s3", "s5", "s6", "s7", "s8"}


def test_a_description_stays_text(drivers: dict[str, str]) -> None:
    assert drivers["main.py"].splitlines()[0] == f"# everything: {ALL_KINDS['description']}"
    readme = MicroPython().readme(HardwareSpecification.model_validate(ALL_KINDS))
    assert r"\{\{ braces \}\}" in readme


def driver(name: str) -> Any:
    return vars(sys.modules[f"drivers.{name}"])[name.capitalize()]


class Registers:
    """An I2C device with memory."""

    def __init__(self, memory: dict[int, bytes]) -> None:
        self.memory = memory
        self.written: list[tuple[int, bytes]] = []

    def readfrom_mem(self, address: int, register: int, count: int) -> bytes:
        return self.memory[register][:count]

    def writeto_mem(self, address: int, register: int, data: bytes) -> None:
        self.written.append((register, data))


@pytest.mark.usefixtures("drivers")
def test_the_bme280_is_compensated_as_the_datasheets_example() -> None:
    import struct

    calibration = (27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
    raw_pressure, raw_temperature = 415148, 519888
    device = Registers(
        {
            0xD0: b"\x60",
            0x88: struct.pack("<HhhHhhhhhhhh", *calibration) + b"\x00" + bytes([75]),
            0xE1: struct.pack("<hB", 355, 0) + bytes([0x15, 0x02, 0x03, 30]),
            0xF3: b"\x00",
            0xF7: (raw_pressure << 4).to_bytes(3, "big")
            + (raw_temperature << 4).to_bytes(3, "big")
            + b"\x6e\x00",
        }
    )
    values = driver("bme280")(device).read()
    assert values["temperature_c"] == pytest.approx(25.08, abs=0.005)
    assert values["pressure_hpa"] == pytest.approx(1006.53, abs=0.01)
    assert 0 < values["humidity_percent"] < 100
    assert (0xF4, b"\x25") in device.written


@pytest.mark.usefixtures("drivers")
def test_another_chip_at_the_address_is_told() -> None:
    with pytest.raises(OSError, match="something else than a BME280"):
        driver("bme280")(Registers({0xD0: b"\x58"})).read()


@pytest.mark.usefixtures("drivers")
def test_the_checksum_of_the_scd4x_is_the_datasheets() -> None:
    assert vars(sys.modules["drivers.scd4x"])["crc"](b"\xbe\xef") == 0x92


@pytest.mark.usefixtures("drivers")
def test_the_scd4x_is_read_and_a_wrong_checksum_refused() -> None:
    crc = vars(sys.modules["drivers.scd4x"])["crc"]

    class Scd4x:
        damaged = False

        def writeto(self, address: int, data: bytes) -> None:
            self.command = data

        def readfrom(self, address: int, count: int) -> bytes:
            words = [b"\x80\x06"] if self.command == b"\xe4\xb8" else [b"\x01\xf4", b"\x66\x67", b"\x5e\xb9"]
            data = b"".join(word + bytes([crc(word)]) for word in words)
            return data[:-1] + b"\x00" if self.damaged else data

    device = Scd4x()
    sensor = driver("scd4x")(device)
    values = sensor.read()
    assert values["co2_ppm"] == 500
    assert values["temperature_c"] == pytest.approx(25, abs=0.01)
    assert values["humidity_percent"] == pytest.approx(37, abs=0.01)
    device.damaged = True
    with pytest.raises(OSError, match="checksum"):
        sensor.read()


@pytest.mark.usefixtures("drivers")
def test_the_next_whole_frame_of_the_pms5003_is_read_and_not_what_the_port_has_kept() -> None:
    def frame(pm: int) -> bytes:
        body = (
            b"\x42\x4d\x00\x1c"
            + bytes(6)
            + b"".join((pm * n).to_bytes(2, "big") for n in (1, 2, 3))
            + bytes(14)
        )
        return body + sum(body).to_bytes(2, "big")

    class Port:
        # What was there, then nothing, then a frame in two parts with another after it.
        answers = iter([frame(3), None, b"noise" + frame(5)[:20], frame(5)[20:] + frame(7) + frame(9)[:20]])

        def read(self) -> bytes | None:
            return next(self.answers, None)

    sensor = driver("pms5003")(Port())
    assert sensor.read() == {"pm1_ug_m3": 7, "pm2_5_ug_m3": 14, "pm10_ug_m3": 21}
    with pytest.raises(OSError, match="no complete frame"):
        sensor.read()


@pytest.mark.usefixtures("drivers")
@pytest.mark.parametrize(("word", "celsius"), [(0x0320, 25.0), (0x0004, None)])
def test_the_max6675_is_read(word: int, celsius: float | None) -> None:
    spi = types.SimpleNamespace(read=lambda count: word.to_bytes(2, "big"))
    sensor = driver("max6675")(spi, FakePin(17))
    if celsius is None:
        with pytest.raises(OSError, match="no thermocouple"):
            sensor.read()
    else:
        assert sensor.read() == {"temperature_c": celsius}


@pytest.mark.usefixtures("board")
def test_a_rule_has_its_hysteresis_and_goes_off_without_a_measurement(
    greenhouse: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(render_project(HardwareSpecification.model_validate(greenhouse)), monkeypatch)
    levels: list[float] = []
    rule = vars(sys.modules["drivers.rules"])["Threshold"]
    output = types.SimpleNamespace(set=levels.append)
    above = rule("air.temperature_c", "above", 28, 1.5, output, 0.7)
    for value in (27.9, 28.0, 28.1, 26.6, 26.5, 27.0, 30.0, None):
        above.update({} if value is None else {"air.temperature_c": value})
    assert levels == [0, 0, 0.7, 0.7, 0, 0, 0.7, 0]


def test_generated_lines_are_not_too_long_to_read(example: dict[str, Any]) -> None:
    project = render_project(HardwareSpecification.model_validate(example))
    code = [line for file in project.files if file.path.endswith(".py") for line in file.content.splitlines()]
    assert max(map(len, code)) <= 140
    assert not any(re.search(r"\{\{|\{%|\s$", line) for line in code)
