"""Generated code is checked: it compiles, and every pin and bus that it uses is there and wired."""

from __future__ import annotations

from typing import Any

import pytest

from accelerapp.codegen import HardwareSpecification, Project, ProjectFile
from accelerapp.codegen.micropython.code_check import check_project
from accelerapp.codegen.micropython.rendering import render_project

ESP32 = HardwareSpecification.model_validate(
    {
        "name": "test",
        "board": "esp32",
        "peripherals": [
            {"type": "i2c", "id": "wire", "bus": 0, "scl": 22, "sda": 21},
            {"type": "digital_output", "id": "pump", "pin": 26},
            {"type": "analog_input", "id": "probe", "pin": 34},
        ],
    }
)
PICO = HardwareSpecification.model_validate(
    {
        "name": "test",
        "board": "pico",
        "peripherals": [
            {"type": "i2c", "id": "wire", "bus": 0, "scl": 5, "sda": 4},
            {"type": "uart", "id": "port", "bus": 0, "tx": 0, "rx": 1},
        ],
    }
)


def findings(main: str, spec: HardwareSpecification = ESP32, **modules: str) -> list[tuple[str, str]]:
    files = {"main.py": main, **{f"{name}.py": text for name, text in modules.items()}}
    project = Project(files=[ProjectFile(path=path, content=text) for path, text in files.items()])
    return [(finding.kind, str(finding)) for finding in check_project(project, spec)]


def test_what_the_templates_write_passes(example: dict[str, Any]) -> None:
    spec = HardwareSpecification.model_validate(example)
    assert check_project(render_project(spec), spec) == []


@pytest.mark.parametrize(
    "code",
    [
        "from machine import Pin\npump = Pin(26, Pin.OUT)",
        "import machine\npump = machine.Pin(26, machine.Pin.OUT)",
        "from machine import Pin as P\npump = P(26, P.OUT)",
        "from machine import Pin\nPUMP = 26\npump = Pin(PUMP, mode=Pin.OUT)",
        "from machine import Pin\nfrom micropython import const\n_PUMP = const(26)\npump = Pin(id=_PUMP)",
        "from machine import ADC, Pin\nprobe = ADC(Pin(34))",
        "from machine import I2C, Pin\nwire = I2C(0, scl=Pin(22), sda=Pin(21))",
        "from machine import SoftI2C, Pin\nwire = SoftI2C(scl=Pin(22), sda=Pin(21))",
        "print('no pins at all')",
    ],
)
def test_right_code_has_no_finding(code: str) -> None:
    assert findings(code) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from machine import Pin\n\nPin(34, Pin.OUT)", "main.py:3: GPIO34 of ESP32"),
        (
            "from machine import Pin\nPin(6)",
            "main.py:2: GPIO6 of ESP32 DevKitC (ESP32-WROOM-32) is wired to the flash",
        ),
        ("from machine import Pin\nPin(-1)", "has no GPIO-1"),
        ("from machine import Pin\nPin(13)", "GPIO13 is not in the specification"),
        ("import machine as m\nfrom machine import Pin as P\nP(13)", "GPIO13 is not in the specification"),
        ("from machine import Pin\nPin('LED')", "has no pin named 'LED'"),
        ("from machine import Pin\nPin()", "Pin() needs a pin"),
        ("from machine import ADC, Pin\nADC(Pin(26))\nADC(Pin(22))", "main.py:3: GPIO22 of ESP32"),
        ("from machine import ADC\nADC(21)", "has no ADC"),
        ("from machine import PWM, Pin\nPWM(Pin(34))", "is input only"),
        ("from machine import I2C, Pin\nI2C(2, scl=Pin(22), sda=Pin(21))", "has no I2C2"),
        ("from machine import UART, Pin\nUART(0, tx=1, rx=3)", "has no UART0"),
        ("from machine import SoftI2C, Pin\nSoftI2C(scl=Pin(34), sda=Pin(21))", "is input only"),
        ("def f():\n    from machine import Pin\n    return Pin(13)", "main.py:3"),
    ],
)
def test_a_wrong_pin_is_named_with_its_line(code: str, expected: str) -> None:
    found = findings(code)
    assert ("invalid_pins", True) in [(kind, expected in text) for kind, text in found]


def test_a_bus_of_the_pico_must_be_on_its_own_pins() -> None:
    code = "from machine import I2C, Pin\nI2C(0, scl=Pin(4), sda=Pin(5))"
    assert [kind for kind, _ in findings(code, PICO)] == ["invalid_pins"] * 2
    assert findings(code.replace("Pin(4)", "Pin(9)").replace("Pin(5)", "Pin(4)"), PICO)[0][1].endswith(
        "GPIO9 is not in the specification"
    )


def test_the_led_of_the_pico_may_be_used() -> None:
    assert findings('from machine import Pin\nPin("LED", Pin.OUT)', PICO) == []


@pytest.mark.parametrize(
    "imported",
    [
        "import config\nPin(config.PUMP)",
        "from config import PUMP\nPin(PUMP)",
        "from config import PUMP as P\nPin(P)",
    ],
)
def test_constants_are_followed_into_other_modules(imported: str) -> None:
    code = f"from machine import Pin\n{imported}"
    assert findings(code, config="PUMP = 26") == []
    assert [kind for kind, _ in findings(code, config="PUMP = 6")] == ["invalid_pins"]


@pytest.mark.parametrize(
    "code", ["n = 26\nn = 6\nPin(n)", "Pin(int('26'))", "for n in range(9):\n    Pin(n)"]
)
def test_what_cannot_be_told_is_a_warning(code: str) -> None:
    ((kind, text),) = findings(f"from machine import Pin\n{code}")
    assert kind == "warning"
    assert "cannot be told without running the code" in text


@pytest.mark.parametrize(
    "code",
    ["def f(:", "x = = 1", "return 1", "a\x00b", "x" + "(" * 500 + ")" * 500, "\ud800", "yield 1", "break"],
)
def test_code_that_does_not_compile_is_invalid(code: str) -> None:
    files = [ProjectFile.model_construct(path="main.py", content=code)]
    found = check_project(Project.model_construct(files=files), ESP32)
    assert [finding.kind for finding in found] == ["invalid_code"]
    assert "does not compile" in str(found[0])


def test_a_project_needs_a_main_and_each_file_once() -> None:
    twice = Project(files=[ProjectFile(path="a.py", content=""), ProjectFile(path="a.py", content="")])
    assert [str(finding) for finding in check_project(twice, ESP32)] == [
        "a.py:1: the project has this file twice",
        "main.py:1: the project has no main.py",
    ]


@pytest.mark.parametrize(
    "path",
    ["../main.py", "/etc/passwd", "a/../../b.py", "main.sh", "a b.py", "", ".py", "a/b/c/d.py", "main.py\n"],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        ProjectFile(path=path, content="")
