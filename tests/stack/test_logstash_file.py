"""logstash-config.conf by Logstash's grammar, as an independent parser has it; Logstash itself cannot be had here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.stack.conftest import built

pytestmark = pytest.mark.stack

FILE = Path(__file__).parents[2] / "deployment" / "observability" / "elk" / "logstash-config.conf"


def checked(file: Path) -> subprocess.CompletedProcess[str]:
    program = built("logstash-config") / "mustache"
    return subprocess.run([program, "check", file], capture_output=True, text=True, check=False)


def test_the_shipped_file_is_of_the_grammar() -> None:
    done = checked(FILE)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_is_not_is_refused_at_its_line(tmp_path: Path) -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    (number,) = [at for at, line in enumerate(lines, start=1) if line.strip() == "manage_template => false"]
    lines[number - 1] = lines[number - 1].replace("=>", "=")
    broken = tmp_path / "broken.conf"
    broken.write_text("\n".join(lines), encoding="utf-8")
    done = checked(broken)
    assert done.returncode != 0
    assert f"broken.conf:{number}:" in done.stderr
