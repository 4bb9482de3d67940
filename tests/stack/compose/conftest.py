"""The Compose file's services as far as they can be had: what is in the place of each image, and the running stack."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.stack.compose.runner import Image, Stack, why_not
from tests.stack.compose.shortened import on_a_machine_of_files, shortened
from tests.stack.compose.surroundings import RECEIVING, Machine, Model, Recorded, receive
from tests.stack.conftest import BUILD, built

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deployment" / "observability"
NOBODY = "65534:65534"
ALL = {
    *("accelerapp", "prometheus", "alertmanager", "grafana", "node-exporter", "blackbox-exporter"),
    *("elasticsearch", "setup", "logstash", "kibana", "jaeger", "otel-collector"),
}
NOT_HAD = {
    "grafana/grafana": "Grafana is not to be had from the registries that builds use",
    "docker.elastic.co/elasticsearch/elasticsearch": "its jars can be had, its security module cannot",
    "docker.elastic.co/logstash/logstash": "Logstash is not to be had",
    "docker.elastic.co/kibana/kibana": "Kibana is not to be had",
}
#: What is built within seconds or a few minutes, and always run.
SERVERS = {
    "prometheus": ("prom/prometheus", "prometheus", NOBODY),
    "alertmanager": ("prom/alertmanager", "alertmanager", NOBODY),
    "node-exporter": ("prom/node-exporter", "node_exporter", NOBODY),
    "blackbox-exporter": ("prom/blackbox-exporter", "blackbox_exporter", "0:0"),
}
#: Builds of many minutes, which run where they are there.
LONG_BUILDS = {
    "jaeger": ("jaegertracing/jaeger", "jaeger", "10001:10001"),
    "otelcol": ("otel/opentelemetry-collector-contrib", "otelcol", "10001:10001"),
}
FACTOR = 60


def cached(name: str) -> Path | None:
    """Return a server's programs where they are built; with all servers asked for they are built first."""
    if os.environ.get("ACCELERAPP_STACK") == "all":
        return built(name)
    done = subprocess.run(
        [sys.executable, str(BUILD), "--cached", name], capture_output=True, text=True, check=False
    )
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def application() -> Image:
    """The service of this checkout, with what the Dockerfile gives it."""
    environment = Path(sys.prefix)
    return Image(
        environment / "bin" / "accelerapp",
        "/opt/accelerapp/bin/accelerapp",
        "10001:10001",
        ("codegen", "serve"),
        {
            "PATH": f"{environment / 'bin'}:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ACCELERAPP_CODEGEN_HOST": "0.0.0.0",
            "ACCELERAPP_CODEGEN_PORT": "8080",
        },
        (environment, Path(sys.base_prefix), ROOT / "src", ROOT / "examples"),
    )


@pytest.fixture(scope="session")
def loader() -> Path:
    """Compose's own loader."""
    return built("compose") / "compose-spec"


@pytest.fixture(scope="session")
def images() -> dict[str, Image | str]:
    """What runs in the place of each repository's image, or why nothing does."""
    if reason := why_not():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    found: dict[str, Image | str] = {"accelerapp": application(), **NOT_HAD}
    for name, (repository, program, user) in SERVERS.items():
        found[repository] = Image(built(name) / program, f"/image/{program}", user)
    for name, (repository, program, user) in LONG_BUILDS.items():
        folder = cached(name)
        found[repository] = (
            Image(folder / program, f"/image/{program}", user)
            if folder
            else f"{name} is not built; make test-stack builds it"
        )
    return found


@pytest.fixture(scope="session")
def run(images: dict[str, Image | str]) -> set[str]:
    """The services that run here."""
    names = {"jaeger": "jaegertracing/jaeger", "otel-collector": "otel/opentelemetry-collector-contrib"}
    long = {name for name, repository in names.items() if isinstance(images[repository], Image)}
    return {"accelerapp", *SERVERS} | long


@dataclass
class Running:
    """A running stack, and what was told of it."""

    stack: Stack
    recorded: Recorded

    def get(self, service: str, port: int, path: str, /, **parameters: str) -> httpx.Response:
        with self.stack.network():
            url = self.stack.address(service, port) + path
            return httpx.get(url, params=parameters, timeout=10).raise_for_status()

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = self.get("prometheus", 9090, "/api/v1/query", query=expression).json()
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    @contextmanager
    def application(self) -> Iterator[httpx.Client]:
        with (
            self.stack.network(),
            httpx.Client(base_url=self.stack.address("accelerapp", 8080), timeout=90) as client,
        ):
            yield client


@dataclass
class Observed(Running):
    """A running stack whose application uses a model, on a machine of which everything is known."""

    folder: Path
    model: Model
    machine: Machine
    token: str = "for the test alone"

    def faults(self, **faults: float | bool) -> None:
        """Switch faults on, and all others off."""
        with self.application() as client:
            authorization = {"Authorization": f"Bearer {self.token}"}
            client.put("/v1/faults", json=faults, headers=authorization).raise_for_status()


def _copied(
    folder: Path, ends: ExitStack, loader: Path, images: dict[str, Image | str], environment: dict[str, str]
) -> Stack:
    # A folder that pytest makes is its user's alone, and the programs are other users.
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    return ends.enter_context(Stack(folder, loader, images, environment))


def _environment(run: set[str]) -> dict[str, str]:
    """Return what .env says to set where a part is not run, so that nothing is sent to it."""
    traces = {} if "otel-collector" in run else {"ACCELERAPP_OTLP_ENDPOINT": ""}
    return {"ACCELERAPP_LOGSTASH_HOST": "", **traces}


@pytest.fixture(scope="module")
def running(
    images: dict[str, Image | str], loader: Path, run: set[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """The stack as it ships, but for short times and the addresses of its receivers."""
    folder = tmp_path_factory.mktemp("compose") / "observability"
    shortened(FOLDER, folder, factor=FACTOR, windows=1, receiving=RECEIVING, without=ALL - run)
    with ExitStack() as ends:
        stack = _copied(folder, ends, loader, images, _environment(run))
        recorded = Recorded()
        receive(stack, recorded, ends)
        stack.up()
        yield Running(stack, recorded)


@pytest.fixture(scope="module")
def observed(
    request: pytest.FixtureRequest,
    images: dict[str, Image | str],
    loader: Path,
    run: set[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Observed]:
    """The same with Ollama's stand-in and a machine of files; the module's WINDOWS divides the rules' ranges."""
    folder = tmp_path_factory.mktemp("compose") / "observability"
    windows = request.module.WINDOWS
    shortened(FOLDER, folder, factor=FACTOR, windows=windows, receiving=RECEIVING, without=ALL - run)
    files = on_a_machine_of_files(folder)
    environment = _environment(run) | {
        "ACCELERAPP_CODEGEN_BACKEND": "ollama",
        "ACCELERAPP_CODEGEN_FAULT_TOKEN": Observed.token,
    }
    with ExitStack() as ends:
        stack = _copied(folder, ends, loader, images, environment)
        recorded = Recorded()
        receive(stack, recorded, ends)
        model = Model(stack, seconds=0.5)
        model.start()
        ends.callback(model.stop)
        machine = Machine(files, stack)
        ends.callback(machine.end)
        stack.up()
        yield Observed(stack, recorded, folder, model, machine)
