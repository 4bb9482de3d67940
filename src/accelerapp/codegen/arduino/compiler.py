"""The syntax of a sketch as g++ sees it, where there is a g++: against headers of our own in place of a board's core.

Nothing is generated or run. What the compiler may read, and how long and in how much memory it may work, is bounded,
since a model may have written what it reads.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from accelerapp.codegen.findings import Finding
from accelerapp.codegen.project import Project

_SECONDS = 20
_CPU_SECONDS = 10
_MEMORY_KIB = 1024 * 1024
#: Findings of one project that are told; one mistake has many in its train.
_MOST = 20
_CORES = {"esp32": "ESP32", "esp32c3": "ESP32", "pico": "RP2040"}
_MESSAGE = re.compile(r"(.+?):(\d+):\d+: (?:fatal )?error: (.*)")
_OPENED = re.compile(r"\.+ (.+)")
#: Where compilers have their standard library.
_SYSTEM = ("/usr/", "/opt/", "/Library/", "/Applications/")


def compiler() -> str | None:
    """Return the program that checks syntax, None where there is none."""
    return shutil.which("g++")


def compile_project(project: Project, board: str, prototypes: dict[str, str]) -> list[Finding]:
    """Return what the compiler has against a project's sketch and sources; blocks for some tenths of a second.

    `prototypes` are the sources of sketches (.ino) with the declarations that Arduino's builder adds to them.
    """
    program = compiler()
    if program is None:
        return []
    core = resources.files("accelerapp.codegen.arduino") / "core"
    with resources.as_file(core) as headers, tempfile.TemporaryDirectory(prefix="accelerapp-") as folder:
        root = Path(folder).resolve()
        for file in project.files:
            path = root / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(prototypes.get(file.path, file.content), encoding="utf-8")
        units = [file.path for file in project.files if file.path.endswith((".ino", ".cpp"))]
        return [finding for unit in units for finding in _compile(program, root, headers, unit, board)][
            :_MOST
        ]


def _compile(program: str, root: Path, core: Path, unit: str, board: str) -> Iterator[Finding]:
    arguments = [
        *(program, "-fsyntax-only", "-x", "c++", "-std=gnu++17", "-H"),
        *(
            "-fno-diagnostics-show-caret",
            "-fdiagnostics-color=never",
            "-fmax-errors=20",
            "-ftemplate-depth=200",
        ),
        *("-isystem", str(core), "-include", "Arduino.h", f"-DACCELERAPP_CORE_{_CORES[board]}", unit),
    ]
    # A shell sets the limits before the compiler begins; there is none that this could be done with on all systems.
    limits = f"ulimit -t {_CPU_SECONDS}; ulimit -v {_MEMORY_KIB} 2>/dev/null; ulimit -c 0"
    with subprocess.Popen(
        ["/bin/sh", "-c", f'{limits}; exec "$@"', "sh", *arguments],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TMPDIR": str(root)},
    ) as done:
        try:
            said = done.communicate(timeout=_SECONDS)[1]
        except subprocess.TimeoutExpired:
            # The whole session: g++ has others do the work, which would go on and keep the pipe open.
            os.killpg(done.pid, signal.SIGKILL)
            yield Finding("invalid_code", unit, 1, f"does not compile within {_SECONDS} s")
            return
    told = said.decode("utf-8", "replace").splitlines()
    foreign = [path for path in _opened(told) if not _is_known(path, root, core)]
    if foreign:
        # Nothing of what the compiler says is passed on: it may quote the file.
        yield Finding("invalid_code", unit, 1, f"includes {foreign[0][:80]}, which is not the project's")
        return
    findings = [finding for line in told if (finding := _finding(line, root))]
    yield from findings
    if done.returncode and not findings:
        yield Finding("invalid_code", unit, 1, "the compiler gave up on it: it is too large or too deep")


def _opened(told: list[str]) -> list[str]:
    return [match[1] for line in told if (match := _OPENED.fullmatch(line))]


def _is_known(opened: str, root: Path, core: Path) -> bool:
    path = (root / opened).resolve()
    return path.is_relative_to(root) or path.is_relative_to(core.resolve()) or str(path).startswith(_SYSTEM)


def _finding(line: str, root: Path) -> Finding | None:
    match = _MESSAGE.fullmatch(line)
    if match is None:
        return None
    path = (root / match[1]).resolve()
    if not path.is_relative_to(root):
        return None
    return Finding(
        "invalid_code", str(path.relative_to(root)), int(match[2]), f"does not compile: {match[3]}"
    )
