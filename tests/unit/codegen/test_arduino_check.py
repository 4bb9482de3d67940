"""Arduino code is checked: it compiles, reads nothing but the project, and every pin is there and wired."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from accelerapp.codegen import HardwareSpecification, Project, ProjectFile
from accelerapp.codegen.arduino.code_check import check_project

ESP32 = HardwareSpecification.model_validate(
    {
        "name": "test",
        "board": "esp32",
        "platform": "arduino",
        "peripherals": [
            {"type": "i2c", "id": "wire", "bus": 0, "scl": 22, "sda": 21},
            {"type": "digital_output", "id": "pump", "pin": 26},
            {"type": "analog_input", "id": "probe", "pin": 34},
        ],
    }
)
OUT = "struct Out { Out(int pin) : pin_(pin) {} void on() { digitalWrite(pin_, 1); } int pin_; };"
EMPTY = "void setup() {}\nvoid loop() {}\n"

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")


def findings(sketch: str, **headers: str) -> list[tuple[str, str]]:
    files = {"test/test.ino": sketch, **{f"test/{name}.h": text for name, text in headers.items()}}
    project = Project(files=[ProjectFile(path=path, content=text) for path, text in files.items()])
    return [(finding.kind, str(finding)) for finding in check_project(project, ESP32)]


@pytest.mark.parametrize(
    "code",
    [
        "void setup() { pinMode(26, OUTPUT); } void loop() {}",
        "#define PUMP 26\nvoid setup() { digitalWrite(PUMP, HIGH); } void loop() {}",
        "enum { PUMP = 26 };\nvoid setup() { digitalWrite(PUMP, HIGH); } void loop() {}",
        "constexpr uint8_t PROBE = 34;\nvoid setup() { analogRead(PROBE); } void loop() {}",
        "#include <Wire.h>\nvoid setup() { Wire.begin(21, 22); } void loop() {}",
        # Arduino's builder declares what is defined further down.
        "void setup() { on(26); }\nvoid loop() {}\nvoid on(uint8_t pin) { digitalWrite(pin, HIGH); }",
        f"{OUT}\nOut pump(26);\nvoid setup() {{ pump.on(); }} void loop() {{}}",
        '#include "own.h"\n#include <vector>\nvoid setup() { on(); } void loop() {}',
        "#include <cmath>\nvoid setup() { Serial.println(abs(-1.5) + std::abs(-2.5) + sin(1)); } void loop() {}",
        "#include <cstdlib>\nvoid setup() { Serial.println(abs(-1) + std::abs(-2)); } void loop() {}",
        "void setup() { Serial.println(isnan(sqrt(2.0)) ? abs(-1) : max(1, 2.5)); } void loop() {}",
    ],
)
def test_what_uses_the_wired_pins_passes(code: str) -> None:
    assert findings(code, own="inline void on() { digitalWrite(26, HIGH); }") == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("pinMode(6, OUTPUT);", "GPIO6 of ESP32 DevKitC (ESP32-WROOM-32) is wired to the flash chip"),
        ("pinMode(34, OUTPUT);", "is input only"),
        ("pinMode(13, INPUT);", "GPIO13 is not in the specification"),
        ("analogRead(26 - 0);", None),
        ("analogRead(23);", "has no ADC"),
        ("digitalWrite(-2, HIGH);", "has no GPIO-2"),
        ("Wire.begin(35, 22);", "input only"),
        ("ledcAttach(34, 1000, 8);", "is input only"),
        ("Out lamp(13); lamp.on();", "GPIO13 is not in the specification"),
        ("on(13);", "GPIO13 is not in the specification"),
    ],
)
def test_a_wrong_pin_is_named_with_its_line(code: str, message: str | None) -> None:
    own = f"{OUT}\ninline void on(int pin) {{ digitalWrite(pin, 1); }}\n"
    found = findings(
        f'#include <Wire.h>\n#include "own.h"\nvoid setup() {{\n  {code}\n}}\nvoid loop() {{}}', own=own
    )
    wrong = [text for kind, text in found if kind == "invalid_pins"]
    if message is None:
        assert found == [
            ("warning", "test/test.ino:4: which pin this is cannot be told without running the code"),
            *[one for one in found if one[1].startswith("test/own.h")],
        ]
    else:
        assert len(wrong) == 1
        assert wrong[0].startswith("test/test.ino:4: ")
        assert message in wrong[0]


@needs_compiler
@pytest.mark.parametrize(
    ("sketch", "expected"),
    [
        ("void setup() { int x = ; }\nvoid loop() {}", "test/test.ino:1: does not compile: expected"),
        (
            "void setup() {}\nvoid loop() { missing(); }",
            "test/test.ino:2: does not compile: 'missing' was not",
        ),
        (EMPTY + '\n\nint f() { return "a"; }', "test/test.ino:5: does not compile: invalid conversion"),
        (EMPTY + "template <int N> struct A { A<N + 1> a; }; A<0> a;", "depth"),
        (EMPTY + "analogWriteFreq(3);", "test/test.ino:3: does not compile"),
    ],
)
def test_what_does_not_compile_is_told_with_its_line(sketch: str, expected: str) -> None:
    found = findings(sketch)
    assert found[0][0] == "invalid_code"
    assert expected in found[0][1]


def test_a_project_without_its_sketch_is_refused() -> None:
    project = Project(files=[ProjectFile(path="main.py", content="pass")])
    assert [str(finding) for finding in check_project(project, ESP32)] == [
        "test/test.ino:1: the project has no test/test.ino"
    ]


@pytest.mark.parametrize(
    "line",
    [
        '#include "/etc/passwd"',
        '#include "../../../../etc/passwd"',
        "#include <Adafruit_Sensor.h>",
        '#define WHAT "/etc/passwd"\n#include WHAT',
    ],
)
def test_what_is_not_the_projects_is_not_included(line: str) -> None:
    ((kind, text),) = findings(f"{line}\n{EMPTY}")
    assert kind == "invalid_code"
    assert "root:" not in text


@needs_compiler
@pytest.mark.parametrize(
    "line",
    [
        '/*\n*/ #include "{path}"',
        '#inc\\\nlude "{path}"',
        '%:include "{path}"',
        '??=include "{path}"',
        '#include_next "{path}"',
        '#if 1\n# /**/ include "{path}"\n#endif',
    ],
)
def test_a_file_that_the_compiler_would_read_all_the_same_is_not_told_of(line: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.h"
    secret.write_text("a-secret;\n")
    found = findings(line.format(path=secret) + f"\n{EMPTY}")
    assert not [text for _, text in found if "a-secret" in text or "a" + os.sep in text]


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ('const char x[] = {\n#embed "{path}"\n};', 2),
        ("const char x[] = {\n # \t embed <{path}>\n};", 2),
        ('const char x[] = {\n#em\\\nbed "{path}"\n};', 2),
        ('int a = \\\n 1;\n%:embed "{path}"', 3),
        ('??=embed "{path}"', 1),
        ('# /*\n*/ embed "{path}"', 2),
        ('#if 0\n#elif __has_embed("{path}")\n#endif', 2),
    ],
)
def test_a_file_is_not_embedded_since_the_compiler_does_not_see_the_code(
    code: str, row: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compiled(*_: object) -> None:
        raise AssertionError("the compiler was asked")

    monkeypatch.setattr("accelerapp.codegen.arduino.code_check.compile_project", compiled)
    found = findings(code.replace("{path}", "/etc/passwd") + f"\n{EMPTY}")
    assert found == [
        ("invalid_code", f"test/test.ino:{row}: #embed is not accepted: a sketch has no file to read")
    ]


def test_what_is_only_called_embed_is_no_directive() -> None:
    assert findings(f"// We embed the page here.\nint embed = 1;\n{EMPTY}") == []


@needs_compiler
def test_an_endless_file_ends_the_check() -> None:
    found = findings(f'%:include "/dev/zero"\n{EMPTY}')
    assert [kind for kind, _ in found] == ["invalid_code"]


def test_functions_that_call_each_other_in_circles_are_followed_once() -> None:
    # A way through these for each of the calls, and each call of those, would not end.
    again = "on(pin); " * 300
    found = findings(
        f"void on(int pin) {{ digitalWrite(pin, 1); {again} }}\nvoid setup() {{ on(13); }}\nvoid loop() {{}}"
    )
    assert found == [("invalid_pins", "test/test.ino:2: GPIO13 is not in the specification")]


def test_a_compiler_that_hangs_ends_with_the_processes_that_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "g++"
    program.write_text("#!/bin/sh\nsleep 600 & wait\n")
    program.chmod(0o755)
    monkeypatch.setattr("accelerapp.codegen.arduino.compiler.compiler", lambda: str(program))
    monkeypatch.setattr("accelerapp.codegen.arduino.compiler._SECONDS", 0.5)
    assert findings(EMPTY) == [("invalid_code", "test/test.ino:1: does not compile within 0.5 s")]


def test_without_a_compiler_the_syntax_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accelerapp.codegen.arduino.code_check.compiler", lambda: None)
    monkeypatch.setattr("accelerapp.codegen.arduino.compiler.compiler", lambda: None)
    assert findings(EMPTY) == []
    ((kind, text),) = findings("void setup() { int x = = 3; }\nvoid loop() {}")
    assert (kind, text.startswith("test/test.ino:1: is no C++")) == ("invalid_code", True)
