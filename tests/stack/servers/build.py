"""Builds the real servers that the stack tests talk to, from the versions that go.mod and go.sum pin.

Run it with `prometheus` or `alertmanager` to build ahead of the tests; it prints the folder that holds the programs.
They are kept outside the checkout, in `$XDG_CACHE_HOME/accelerapp/servers/`, so that only the first run pays.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Server:
    """A Go module and its programs; `pins` is the folder with the go.mod and go.sum that name its version."""

    name: str
    package: str
    programs: tuple[str, ...]
    pins: Path
    tags: str = ""

    def version(self) -> str:
        """Return the version that is built; Prometheus' module counts v0.316.0 for 3.16.0."""
        match = re.search(
            rf"^\s*(?:require )?{re.escape(self.package)} v(\d+)\.(\d+)\.(\d+)",
            _read(self.pins / "go.mod"),
            re.MULTILINE,
        )
        if match is None:
            raise SystemExit(f"{self.pins / 'go.mod'} does not require {self.package}")
        major, minor, patch = (int(number) for number in match.groups())
        return f"{minor // 100}.{minor % 100}.{patch}" if minor >= 100 else f"{major}.{minor}.{patch}"

    def folder(self) -> Path:
        """Return where the programs of exactly these pins are kept."""
        pinned = _read(self.pins / "go.mod") + _read(self.pins / "go.sum") + self.tags
        pins = hashlib.sha256(pinned.encode()).hexdigest()[:12]
        return _cache() / f"{self.name}-{self.version()}-{pins}"


PROMETHEUS = Server(
    "prometheus",
    "github.com/prometheus/prometheus",
    ("prometheus", "promtool"),
    HERE,
    # Service discovery of the clouds is left out, since its modules are large; what our own files use stays.
    "remove_all_sd,enable_dns_sd,enable_kubernetes_sd",
)
# Its versions of shared modules differ from those of Prometheus, so it has pins of its own: go.sum holds the checksum
# of its source, whose own go.mod and go.sum pin the rest.
ALERTMANAGER = Server(
    "alertmanager",
    "github.com/prometheus/alertmanager",
    ("alertmanager", "amtool"),
    HERE / "alertmanager",
)


def build(server: Server) -> Path:
    """Build the programs unless they are there, and return their folder; raises CalledProcessError."""
    target = server.folder()
    if _built(server, target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(), tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        if _built(server, target):
            return target
        made = Path(scratch) / "bin"
        source = server.pins if server is PROMETHEUS else _alertmanager_source(Path(scratch))
        flags = f"-s -w -X github.com/prometheus/common/version.Version={server.version()}"
        command = [
            "go",
            "build",
            "-trimpath",
            "-tags",
            server.tags,
            "-ldflags",
            flags,
            "-o",
            f"{made}{os.sep}",
        ]
        packages = [f"{server.package}/cmd/{program}" for program in server.programs]
        subprocess.run([*command, *packages], cwd=source, env=_environment(), check=True)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    return target


def _alertmanager_source(scratch: Path) -> Path:
    """Return a copy of the module's source that builds: it embeds a page which its module does not contain."""
    download = subprocess.run(
        ["go", "mod", "download", "-json", ALERTMANAGER.package],
        cwd=ALERTMANAGER.pins,
        env=_environment(),
        check=True,
        stdout=subprocess.PIPE,
    )
    source = scratch / "source"
    shutil.copytree(json.loads(download.stdout)["Dir"], source, copy_function=shutil.copyfile)
    for folder in (source, *source.rglob("*/")):  # the module cache is read-only
        folder.chmod(0o755)
    page = source / "ui" / "app" / "dist" / "index.html"
    page.parent.mkdir()
    page.write_text("<title>Alertmanager without its page</title>", encoding="utf-8")
    return source


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}


def _built(server: Server, folder: Path) -> bool:
    return all((folder / program).is_file() for program in server.programs)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep builds from running side by side, since each takes the whole machine."""
    with (_cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "accelerapp" / "servers"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


if __name__ == "__main__":
    servers = {server.name: server for server in (PROMETHEUS, ALERTMANAGER)}
    if len(sys.argv) != 2 or sys.argv[1] not in servers:
        raise SystemExit(f"usage: build.py {'|'.join(servers)}")
    sys.stdout.write(f"{build(servers[sys.argv[1]])}\n")
