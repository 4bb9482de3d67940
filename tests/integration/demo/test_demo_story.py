"""The demo as a person runs it: from the built wheel, without a network, and in a terminal until Ctrl-C."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FREE_PORTS = ["--port", "0", "--otlp-http-port", "0", "--codegen-port", "0"]
STORY_SECONDS = 180

#: Runs a command where there is no network but a loopback of its own: what asks for another machine fails.
NO_NETWORK = """
import fcntl, os, socket, struct, sys
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up and running
os.execv(sys.argv[1], sys.argv[1:])
"""


def without_network() -> list[str]:
    """Return what to put before a command so that it has no network; nothing where the system does not allow it."""
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode:
        return []
    return [unshare, "-rn", sys.executable, "-c", NO_NETWORK]


def play(
    folder: Path, *arguments: str, before: Sequence[str] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-m", "accelerapp.cli", "demo", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=STORY_SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.timeout(STORY_SECONDS + 120)
def test_the_story_is_seen_whole_from_the_built_wheel_in_an_empty_folder(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", ROOT],
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    empty = tmp_path / "empty"
    empty.mkdir()
    # The wheel comes before the checkout on the path, and the person's folders are empty too.
    environment = {"PYTHONPATH": str(tmp_path / "installed"), "HOME": str(tmp_path / "home")}
    where = subprocess.run(
        [sys.executable, "-c", "import accelerapp; print(accelerapp.__file__)"],
        cwd=empty,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(tmp_path / "installed"))

    played = play(empty, "--once", *FREE_PORTS, before=without_network(), **environment)

    assert played.returncode == 0, played.stdout + played.stderr
    assert "NOT SEEN" not in played.stdout
    rows = re.findall(r"^│ ✓ │ (.+?) +│", played.stdout, re.MULTILINE)
    assert rows[0] == "service scraped"
    assert rows[-1] == "notified: resolved"
    assert list(empty.iterdir()) == []


def test_ctrl_c_in_a_terminal_ends_everything_cleanly(tmp_path: Path) -> None:
    terminal, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "accelerapp.cli", "demo", *FREE_PORTS],
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "TMPDIR": str(tmp_path)},
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
    )
    os.close(side)
    shown = read_until(terminal, "service scraped")
    programs = children(process.pid)
    assert len(programs) == 2
    os.killpg(process.pid, signal.SIGINT)
    shown += read_until(terminal, "everything that was started has stopped")
    assert process.wait(30) == 0, shown
    assert [pid for pid in programs if alive(pid)] == []
    assert list(tmp_path.iterdir()) == []
    os.close(terminal)


def read_until(terminal: int, wanted: str, seconds: float = 60) -> str:
    """Read what a program shows until it says what is wanted."""
    shown, deadline = "", time.monotonic() + seconds
    while wanted not in shown:
        assert time.monotonic() < deadline, shown
        if select.select([terminal], [], [], 0.5)[0]:
            shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_taken_port_is_named_with_the_option_that_changes_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for option in ("--port", "--otlp-http-port", "--codegen-port"):
            played = play(tmp_path, "--once", *FREE_PORTS, option, port)
            assert played.returncode == 1
            assert f"port {port} is taken" in played.stdout
            assert option in played.stdout
