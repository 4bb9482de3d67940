"""What a BME280 answers, register by register, and what it measured by MicroPython's generated driver."""

from __future__ import annotations

import struct
import sys
import types
from typing import Any, ClassVar

from accelerapp.codegen import HardwareSpecification
from accelerapp.codegen.micropython.rendering import render_project

_LOW = struct.pack(
    "<HhhHhhhhhhhh", 27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000
)
_LOW += bytes((0, 75))
_HIGH = struct.pack("<hB", 370, 0) + bytes((0x13, 0x05, 0x03, 30))
_RAW = struct.pack(">I", 415148 << 4)[1:] + struct.pack(">I", 519888 << 4)[1:] + struct.pack(">H", 29000)

#: Id, both calibrations, status, measurement: in the order in which the drivers ask.
ANSWERS = (b"\x60" + _LOW + _HIGH + b"\x00" + _RAW).hex()


def _by_micropython() -> dict[str, float]:
    spec = HardwareSpecification.model_validate(
        {
            "name": "one",
            "board": "esp32",
            "peripherals": [{"type": "i2c", "id": "wire", "bus": 0, "scl": 22, "sda": 21}],
            "sensors": [{"kind": "bme280", "id": "it", "peripheral": "wire"}],
        }
    )
    source = next(f.content for f in render_project(spec).files if f.path == "drivers/bme280.py")

    class Bus:
        registers: ClassVar[dict[int, bytes]] = {
            0xD0: b"\x60",
            0x88: _LOW,
            0xE1: _HIGH,
            0xF3: b"\x00",
            0xF7: _RAW,
        }

        def readfrom_mem(self, address: int, register: int, length: int) -> bytes:
            return self.registers[register][:length]

        def writeto_mem(self, *_: object) -> None: ...

    module: dict[str, Any] = {}
    time, sys.modules["time"] = sys.modules["time"], types.ModuleType("time")
    try:
        vars(sys.modules["time"])["sleep_ms"] = lambda _: None
        exec(source, module)
    finally:
        sys.modules["time"] = time
    values: dict[str, float] = module["Bme280"](Bus()).read()
    return {f"it.{name}": value for name, value in values.items()}


EXPECTED = _by_micropython()
