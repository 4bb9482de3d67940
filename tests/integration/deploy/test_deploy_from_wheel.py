"""`accelerapp deploy` of the built wheel writes what it writes from the checkout, pages beside the stack too."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from accelerapp.cli.command import app

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked; without the page, which is another test's."""
    folder = tmp_path_factory.mktemp("wheel")
    command: list[str | Path] = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT]
    environment = {**os.environ, "ACCELERAPP_PREBUILT_PAGE": "0"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def written(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("home", ["compose", "kubernetes", "helm"])
def test_the_wheel_writes_what_the_checkout_writes(installed: Path, tmp_path: Path, home: str) -> None:
    # The wheel comes before the checkout on the path, and the folder has nothing else.
    done = subprocess.run(
        [sys.executable, "-m", "accelerapp.cli", "deploy", home, tmp_path / "wheel"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert CliRunner().invoke(app, ["deploy", home, str(tmp_path / "checkout")]).exit_code == 0
    of_wheel, of_checkout = written(tmp_path / "wheel"), written(tmp_path / "checkout")
    assert set(of_wheel) == set(of_checkout)
    assert [name for name in of_wheel if of_wheel[name] != of_checkout[name]] == []
    assert "docs/howto/harden-the-stack.md" in of_wheel


def test_the_wheel_generates_code_and_checks_it(installed: Path, tmp_path: Path) -> None:
    # The templates, and the headers that the compiler is given, are no modules.
    code = """
import json, accelerapp
from accelerapp.codegen import HardwareSpecification
from accelerapp.codegen.platforms import PLATFORMS
from accelerapp.shipped import shipped
spec = json.loads((shipped("specs") / "greenhouse.json").read_text())
for name, platform in PLATFORMS.items():
    asked = HardwareSpecification.model_validate(spec | {"platform": name})
    assert platform.check(platform.render(asked), asked) == [], name
    assert platform.readme(asked)
print(accelerapp.__file__)
"""
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert Path(told.stdout.strip()).is_relative_to(installed)


def test_what_the_wheel_has_is_found_in_it_and_not_in_a_checkout(installed: Path, tmp_path: Path) -> None:
    names = ["observability", "docs", "examples", "specs"]
    code = f"from accelerapp.shipped import shipped; print(*map(shipped, {names}))"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(Path(folder).is_relative_to(installed) for folder in told.stdout.split())
