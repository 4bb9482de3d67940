"""The generated Arduino sketches run: compiled by g++ with a board that is played by a program."""

from __future__ import annotations

import json
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from tests.unit.codegen.bme280 import ANSWERS, EXPECTED

from accelerapp.codegen import HardwareSpecification
from accelerapp.codegen.arduino.code_check import check_project
from accelerapp.codegen.arduino.compiler import _CORES
from accelerapp.codegen.arduino.rendering import render_project

BOARD = Path(__file__).parent / "arduino_board" / "board.cpp"

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")


def play(folder: Path, spec: dict[str, Any], *answers: str) -> tuple[list[str], list[str], list[Any]]:
    """Compile and run the sketch of a specification; returns what it did in setup, in loop, and printed as JSON."""
    made = HardwareSpecification.model_validate({**spec, "platform": "arduino"})
    for file in render_project(made).files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    program = folder / "program"
    core = str(resources.files("accelerapp.codegen.arduino") / "core")
    flags = [
        "-std=gnu++17",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O0",
        "-fsanitize=undefined",
        "-fno-sanitize-recover",
    ]
    flags += ["-isystem", core, "-include", "Arduino.h", f"-DACCELERAPP_CORE_{_CORES[made.board]}"]
    sketch = folder / made.name / f"{made.name}.ino"
    command = ["g++", *flags, "-o", str(program), "-x", "c++", str(sketch), str(BOARD)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([program, *answers], capture_output=True, text=True, check=False, timeout=30)
    assert ran.returncode == 0, ran.stderr
    setup, _, loop = ran.stdout.partition("--\n")
    lines = loop.splitlines()
    printed = [json.loads(line) for line in lines if line.startswith("{")]
    return setup.splitlines(), [line for line in lines if not line.startswith("{")], printed


def test_every_example_passes_its_check_as_a_sketch(example: dict[str, Any]) -> None:
    spec = HardwareSpecification.model_validate({**example, "platform": "arduino"})
    assert check_project(render_project(spec), spec) == []


def test_sensors_that_do_not_answer_are_reported_and_outputs_stay_off(
    greenhouse: dict[str, Any], tmp_path: Path
) -> None:
    greenhouse["sensors"] = [one for one in greenhouse["sensors"] if one["kind"] != "analog"]
    greenhouse["actions"] = [one for one in greenhouse["actions"] if one["output"] == "fan"]
    setup, loop, printed = play(tmp_path, greenhouse, "high=4")
    # The relay is active low: its level comes before its direction, and means off.
    assert setup[:3] == ["pin 26 1", "pin 26 output", "pin 26 1"]
    assert setup[3:] == ["pwm 25 25000", "duty 25 0", "i2c 21 22 100000"]
    assert printed == [
        {"sensor": "air", "error": "the BME280 does not answer"},
        {"sensor": "light", "error": "the BH1750 does not answer"},
        {"sensor": "soil_temperature", "error": "no sensor on the wire"},
        {},
    ]
    assert loop[-1] == "duty 25 0"


@pytest.mark.parametrize(
    ("raw", "value", "level"),
    # 12 bits of 52000/65535 and of 22000/65535: the two points of the line.
    [(3249, 0.0, "0"), (1375, 100.0, "1")],
)
def test_a_dry_soil_switches_the_pump(
    greenhouse: dict[str, Any], tmp_path: Path, raw: int, value: float, level: str
) -> None:
    greenhouse["sensors"] = [one for one in greenhouse["sensors"] if one["kind"] == "analog"]
    greenhouse["actions"] = [one for one in greenhouse["actions"] if one["output"] == "pump"]
    _, loop, printed = play(tmp_path, greenhouse, f"adc=34:{raw}")
    assert printed[-1]["soil_moisture.value"] == pytest.approx(value, abs=0.1)
    assert loop[-1] == f"pin 26 {level}"


def test_measurements_come_in_the_interval(greenhouse: dict[str, Any], tmp_path: Path) -> None:
    greenhouse |= {"sensors": [], "actions": [], "interval_seconds": 2}
    _, _, printed = play(tmp_path, greenhouse, "ms=9000")
    assert printed == [{}] * 5


def i2c_spec(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "one",
        "board": "esp32",
        "peripherals": [{"type": "i2c", "id": "wire", "bus": 0, "scl": 22, "sda": 21}],
        "sensors": [{"kind": kind, "id": "it", "peripheral": "wire", **more}],
    }


def test_a_bh1750_is_read(tmp_path: Path) -> None:
    _, _, printed = play(tmp_path, i2c_spec("bh1750"), "i2c=23:0960")
    assert printed == [{"it.illuminance_lux": 2000.0}]


def test_a_scd4x_is_read_with_its_checksums(tmp_path: Path) -> None:
    # The words of the datasheet's example: 500 ppm, 25 °C, 37 %.
    words = "800604" + "01f433" + "6667a2" + "5eb93c"
    _, _, printed = play(tmp_path, i2c_spec("scd4x"), f"i2c=62:{words}")
    assert printed == [{"it.co2_ppm": 500, "it.temperature_c": 25.003, "it.humidity_percent": 37.002}]
    wrong = words.replace("01f433", "01f434")
    assert play(tmp_path, i2c_spec("scd4x"), f"i2c=62:{wrong}")[2][0]["error"].startswith("the checksum")


def test_a_bme280_agrees_with_micropython(tmp_path: Path) -> None:
    _, _, printed = play(tmp_path, i2c_spec("bme280"), f"i2c=76:{ANSWERS}")
    assert printed == [pytest.approx(EXPECTED, abs=0.01)]


@pytest.mark.parametrize(("word", "expected"), [(0x0C80, 100.0), (0x0004, None)])
def test_a_max6675_is_read(tmp_path: Path, word: int, expected: float | None) -> None:
    spi = {"type": "spi", "id": "chain", "bus": 2, "sck": 18, "mosi": 23, "miso": 19, "cs": 4}
    spec = {
        "name": "one",
        "board": "esp32",
        "peripherals": [spi],
        "sensors": [{"kind": "max6675", "id": "it", "peripheral": "chain"}],
    }
    setup, loop, printed = play(tmp_path, spec, f"spi={word}")
    assert setup == ["pin 4 1", "pin 4 output", "pin 4 1", "spi 18 19 23"]
    assert loop == ["pin 4 0", "pin 4 1"]
    if expected is None:
        assert printed[0]["error"] == "no thermocouple connected"
    else:
        assert printed == [{"it.temperature_c": expected}]


def test_a_pms5003_is_read_past_a_broken_frame(tmp_path: Path) -> None:
    frame = bytearray.fromhex("424d001c") + bytes(6) + bytes((0, 5, 0, 12, 0, 20)) + bytes(14)
    frame += sum(frame).to_bytes(2, "big")
    broken = bytearray(frame)
    broken[11] ^= 1
    port = {"type": "uart", "id": "port", "bus": 2, "tx": 17, "rx": 16}
    spec = {
        "name": "one",
        "board": "esp32",
        "peripherals": [port],
        "sensors": [{"kind": "pms5003", "id": "it", "peripheral": "port"}],
    }
    stream = b"\x42\x00" + bytes(broken) + bytes(frame)
    setup, _, printed = play(tmp_path, spec, f"uart={stream.hex()}")
    assert setup == ["uart 16 17"]
    assert printed == [{"it.pm1_ug_m3": 5, "it.pm2_5_ug_m3": 12, "it.pm10_ug_m3": 20}]


def test_a_pms5003_is_read_with_the_few_bytes_that_the_port_of_the_pico_keeps(tmp_path: Path) -> None:
    frame = bytearray.fromhex("424d001c") + bytes(6) + bytes((0, 5, 0, 12, 0, 20)) + bytes(14)
    frame += sum(frame).to_bytes(2, "big")
    spec = {
        "name": "one",
        "board": "pico",
        "interval_seconds": 10,
        "peripherals": [{"type": "uart", "id": "port", "bus": 1, "tx": 8, "rx": 9}],
        "sensors": [{"kind": "pms5003", "id": "it", "peripheral": "port"}],
    }
    _, _, printed = play(tmp_path, spec, f"frames={frame.hex()}", "ms=25000")
    measured = {"it.pm1_ug_m3": 5, "it.pm2_5_ug_m3": 12, "it.pm10_ug_m3": 20}
    assert printed == [{"sensor": "it", "error": "no complete frame yet"}, {}, measured, measured]


@pytest.mark.parametrize("board", ["esp32", "pico"])
def test_a_ds18x20_is_read_in_the_time_that_its_slots_give(tmp_path: Path, board: str) -> None:
    spec = {
        "name": "one",
        "board": board,
        "peripherals": [{"type": "one_wire", "id": "line", "pin": 4}],
        "sensors": [{"kind": "ds18x20", "id": "it", "peripheral": "line"}],
    }
    # The datasheet's +85 °C at power-on, with its checksum.
    _, _, printed = play(tmp_path, spec, "wire=4:50054b467fff0c101c")
    assert printed == [{"it.temperature_c": 85.0}]


@pytest.mark.parametrize("frequency_hz", [10, 99, 100, 39_000, 40_000])
def test_the_esp32c3_makes_every_frequency_of_a_pwm(tmp_path: Path, frequency_hz: int) -> None:
    peripherals = [{"type": "pwm", "id": "fan", "pin": 3, "frequency_hz": frequency_hz}]
    setup, _, _ = play(tmp_path, {"name": "one", "board": "esp32c3", "peripherals": peripherals})
    assert setup == [f"pwm 3 {frequency_hz}", "duty 3 0"]


def test_the_pico_has_its_own_names(tmp_path: Path) -> None:
    spec = i2c_spec("bh1750") | {"board": "pico"}
    spec["peripherals"] = [{"type": "i2c", "id": "wire", "bus": 0, "scl": 5, "sda": 4}]
    spec["peripherals"] += [{"type": "pwm", "id": "fan", "pin": 18, "frequency_hz": 500}]
    setup, _, printed = play(tmp_path, spec, "i2c=23:0960")
    assert setup == ["pwm 500", "duty 18 0", "sda 4", "scl 5"]
    assert printed == [{"it.illuminance_lux": 2000.0}]
