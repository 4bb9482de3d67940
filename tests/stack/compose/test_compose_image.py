"""The Dockerfile's images, without Docker: what each target states is run as it stands.

A build stage's RUN makes a fresh virtual environment from the built wheel; what the last stage says is then started in
a network of its own, so that its ports are free.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser
from dotenv import dotenv_values
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "src" / "accelerapp" / "server" / "page" / "index.html"
#: Starts what is told, asks the health check before and until it passes, and ends the program as Docker does.
DRIVER = """
import fcntl, json, signal, socket, struct, subprocess, sys, time
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up and running
told = json.loads(sys.argv[1])
def healthy():
    check = subprocess.run(told["check"], env=told["environment"], capture_output=True, timeout=told["timeout"])
    return check.returncode == 0
before = healthy()
program = subprocess.Popen(
    told["command"], env=told["environment"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
)
deadline, after = time.monotonic() + 30, False
while not after and program.poll() is None and time.monotonic() < deadline:
    after = healthy()
    time.sleep(0.1)
def listens(port):
    with socket.socket() as s:
        s.settimeout(2)
        # Not loopback: whoever publishes the port comes from outside.
        return s.connect_ex(("127.0.0.2", port)) == 0
ports = [port for port in told["ports"] if not listens(port)]
program.send_signal(signal.SIGTERM)
output, _ = program.communicate(timeout=20)
print(json.dumps({"before": before, "after": after, "deaf": ports, "code": program.returncode, "output": output}))
"""


@dataclass
class Stage:
    """One stage of the file, with what it has from the stage that it begins with."""

    base: str
    environment: dict[str, str] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)
    check_options: str = ""
    user: str = ""


def stages() -> dict[str, Stage]:
    parser = DockerfileParser(fileobj=io.BytesIO((ROOT / "Dockerfile").read_bytes()))
    found: dict[str, Stage] = {}
    stage = Stage("")
    for step in parser.structure:
        instruction, value = step["instruction"], step["value"]
        if instruction == "FROM":
            base, _, name = value.partition(" AS ")
            inherited = found.get(base)
            stage = found[name] = Stage(
                base,
                dict(inherited.environment) if inherited else {},
                entrypoint=list(inherited.entrypoint) if inherited else [],
            )
        elif instruction == "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in value.split())
        elif instruction == "RUN":
            stage.runs.append(value)
        elif instruction == "COPY":
            stage.copies.append(value)
        elif instruction == "EXPOSE":
            stage.ports += [int(port) for port in value.split()]
        elif instruction == "ENTRYPOINT":
            stage.entrypoint = json.loads(value)
        elif instruction == "CMD":
            stage.command = json.loads(value)
        elif instruction == "HEALTHCHECK":
            stage.check_options, _, check = value.partition(" CMD ")
            stage.check = json.loads(check)
        elif instruction == "USER":
            stage.user = value
        else:
            assert instruction in {"ARG", "COMMENT", "WORKDIR", "VOLUME"}, instruction
    return found


STAGES = stages()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, by the command of its stage; the page in it is the one that is built already, if any."""
    folder = tmp_path_factory.mktemp("wheel")
    (build,) = [run for run in STAGES["wheel"].runs if " -m build " in run]
    # Without the build's own environment, since the tests' has what it needs.
    subprocess.run(
        ["sh", "-c", build.replace("/wheel", str(folder))],
        cwd=ROOT,
        env={**os.environ, **path(), "ACCELERAPP_PREBUILT_PAGE": "1" if PAGE.is_file() else "0"},
        check=True,
        capture_output=True,
    )
    return folder


def path() -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def network_of_its_own() -> list[str]:
    command = ["unshare", "--user", "--map-root-user", "--net"]
    trial = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if trial.returncode == 0:
        return command
    reason = f"a network namespace cannot be had here: {trial.stderr.strip()}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.parametrize("target", ["application", "observatory"])
def test_a_target_runs_as_its_stage_states(target: str, wheel: Path, tmp_path: Path) -> None:
    before = network_of_its_own()
    stage, environment_stage = STAGES[target], STAGES[f"{target}-environment"]
    assert stage.copies == [f"--from={target}-environment /opt/accelerapp /opt/accelerapp"]
    places = {
        "/opt/accelerapp": str(tmp_path / "opt"),
        "/wheel/": f"{wheel}/",
        "/data": str(tmp_path / "data"),
    }

    def here(text: str) -> str:
        for place, replacement in places.items():
            text = text.replace(place, replacement)
        return text

    (run,) = environment_stage.runs
    subprocess.run(["sh", "-c", here(run)], env={**os.environ, **path()}, check=True, capture_output=True)
    environment = {name: here(value) for name, value in stage.environment.items()}
    environment["PATH"] = environment["PATH"].replace("$PATH", "/usr/bin:/bin")
    program = tmp_path / "opt" / "bin" / stage.entrypoint[0]
    assert program.is_file()
    told = {
        "command": [str(program), *stage.entrypoint[1:], *stage.command],
        "check": [str(tmp_path / "opt" / "bin" / stage.check[0]), *stage.check[1:]],
        "environment": {**environment, "HOME": "/nonexistent"},
        "timeout": 5,
        "ports": stage.ports,
    }
    done = subprocess.run(
        [*before, sys.executable, "-c", DRIVER, json.dumps(told)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["before"] is False
    assert result["after"] is True, result["output"]
    assert result["deaf"] == []
    assert result["code"] == 0, result["output"]


@pytest.mark.parametrize("target", ["application", "observatory"])
def test_a_target_runs_as_nobody_special_with_its_health_check_in_time(target: str) -> None:
    stage = STAGES[target]
    assert int(stage.user) > 0
    assert stage.base == "runtime"
    assert stage.entrypoint == ["accelerapp"]
    assert "--timeout=5s" in stage.check_options


def test_compose_names_the_target_and_has_its_health_check_and_port() -> None:
    folder = ROOT / "deployment" / "observability"
    service = YAML(typ="safe").load(folder / "docker-compose.yml")["services"]["accelerapp"]
    stage = STAGES[service["build"]["target"]]
    assert service["healthcheck"]["test"] == ["CMD", *stage.check]
    assert [int(port.rpartition(":")[2]) for port in service["ports"]] == stage.ports
    assert "ACCELERAPP_VERSION" in dotenv_values(folder / ".env")
