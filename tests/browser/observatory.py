"""An observatory of a test's own, for what must not happen to the demo that all tests share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx
from tests.stack.programs import free_port, until

from accelerapp.cli.demo.processes import Program
from accelerapp.server.config import ENVIRONMENT_PREFIX, RECEIVERS


@dataclass(frozen=True)
class Observatory:
    """One that runs: the page's address and port, the receivers' ports, and the folder of its targets."""

    url: str
    port: int
    ports: Mapping[str, int]
    targets_dir: Path


@contextlib.contextmanager
def running(
    folder: Path,
    *receivers: str,
    arguments: tuple[str, ...] = (),
    settings: Mapping[str, str] = MappingProxyType({}),
    port: int | None = None,
) -> Iterator[Observatory]:
    """Start one whose data is in the folder, with OTLP over HTTP and the named receivers open, and end it.

    `settings` are further ones, by their names.
    """
    page = port or free_port()
    ports = {name: free_port() for name in RECEIVERS if name in ("otlp_http", *receivers)}
    targets = folder / "targets.d"
    targets.mkdir(parents=True, exist_ok=True)
    environment = {
        f"{ENVIRONMENT_PREFIX}{name.upper()}_PORT": str(ports.get(name, "off")) for name in RECEIVERS
    }
    environment |= {f"{ENVIRONMENT_PREFIX}{name.upper()}": value for name, value in settings.items()}
    command = ["up", "--port", str(page), "--data-dir", str(folder / "data"), "--targets-dir", str(targets)]
    url = f"http://127.0.0.1:{page}"
    with Program("the observatory", [*command, *arguments], environment, folder / "log") as program:

        def answers() -> bool:
            ended = program.ended()
            assert ended is None, ended
            return httpx.get(f"{url}/-/ready", trust_env=False).is_success

        until(answers, f"{url} answers")
        yield Observatory(url, page, ports, targets)
