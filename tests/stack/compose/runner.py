"""Starts docker-compose.yml without Docker: each service in network and mount namespaces of its own.

The file is read by Compose's own loader. What stands in it about a service is done, or named in `LEFT_TO_DOCKER`; a key
that is neither is an error. Nothing touches the machine's own network: the bridge lives in a namespace as well.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.stack.compose.file import check_keys, loaded, words

ROOT = Path(__file__).parents[3]
CONTAINER = Path(__file__).parent / "container.py"
GATEWAY = "10.89.0.1"
START_SECONDS = 60.0
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class ServiceError(AssertionError):
    """A service did not start or did not become healthy; the message has the end of its log."""


@dataclass(frozen=True)
class Image:
    """What there is in place of an image: a program, where the image has it, and the image's user."""

    source: Path
    path: str
    user: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Further folders, mounted read-only at their own paths.
    folders: tuple[Path, ...] = ()


@dataclass
class Service:
    """A service that runs."""

    name: str
    address: str
    process: subprocess.Popen[bytes]
    log: Path
    user: tuple[str, str]
    environment: Mapping[str, str]
    definition: Mapping[str, Any]

    @property
    def pid(self) -> int:
        """The program's own process: the one that nsenter started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text(encoding="ascii").split()[0])

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]


def why_not() -> str | None:
    """Return why namespaces cannot be had here, or None."""
    if os.geteuid() != 0:
        return "the Compose file is started in namespaces, which only root may make"
    trial = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "ip", "link", "add", "compose0", "type", "bridge"],
        capture_output=True,
        text=True,
        check=False,
    )
    return None if trial.returncode == 0 else f"namespaces cannot be had here: {trial.stderr.strip()}"


class Stack:
    """The services of a folder's docker-compose.yml that can be had, as long as the block lasts.

    Args:
        folder: Holds docker-compose.yml and all that it mounts.
        loader: Compose's own loader.
        images: By repository, what runs in an image's place; a string is the reason why nothing does.
        environment: What `docker compose` would find in its environment.
    """

    def __init__(
        self,
        folder: Path,
        loader: Path,
        images: Mapping[str, Image | str],
        environment: Mapping[str, str],
    ) -> None:
        self._environment = environment
        self._images = images
        self._model = loaded(folder, loader, environment)
        check_keys(self._model)
        self._scratch = contextlib.ExitStack()
        self._home = Path()
        self.services: dict[str, Service] = {}
        #: Services that are not run, and why.
        self.not_run: dict[str, str] = {}
        self._addresses: dict[str, str] = {}

    def __enter__(self) -> Stack:
        self._home = Path(self._scratch.enter_context(tempfile.TemporaryDirectory(prefix="compose-")))
        # It lies beyond the reach of others by default, and services are other users.
        self._home.chmod(0o755)
        self._outer = subprocess.Popen(
            [
                "unshare",
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "sleep",
                "infinity",
            ]
        )
        self._scratch.callback(self._end)
        try:
            self._anchor = self._child(self._outer.pid)
            for command in (
                "ip link set lo up",
                "ip link add compose0 type bridge",
                f"ip address add {GATEWAY}/24 dev compose0",
                "ip link set compose0 up",
            ):
                self._outside(*command.split())
            self._choose()
        except BaseException:
            self._scratch.close()
            raise
        return self

    def up(self) -> None:
        """Start every service that can be had, in the order of their dependencies."""
        for name in self._order():
            self.start(name)

    def __exit__(self, *_: object) -> None:
        self._scratch.close()

    def _end(self) -> None:
        """End the namespace's first process, and with it every other one in there."""
        self._outer.kill()
        self._outer.wait()
        for service in self.services.values():
            service.process.wait(timeout=30)

    def _outside(self, *command: str) -> None:
        subprocess.run(["nsenter", "--target", str(self._anchor), "--net", *command], check=True)

    def on_the_machine(self, *command: str) -> None:
        """Run a command where the services' folders come from; what it mounts, services that start later see."""
        subprocess.run(["nsenter", "--target", str(self._anchor), "--mount", *command], check=True)

    @staticmethod
    def _child(pid: int) -> int:
        children = Path(f"/proc/{pid}/task/{pid}/children")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(IndexError):
                return int(children.read_text(encoding="ascii").split()[0])
            time.sleep(0.01)
        raise ServiceError(f"process {pid} has no child")

    def _choose(self) -> None:
        services = self._model["services"]
        for name, service in services.items():
            image = self._images[service["image"].rpartition(":")[0]]
            if isinstance(image, str):
                self.not_run[name] = image
        for name, service in services.items():
            missing = [
                other
                for other, how in service.get("depends_on", {}).items()
                if how.get("required", True) and other in self.not_run
            ]
            if name not in self.not_run and missing:
                self.not_run[name] = f"needs {missing[0]}, which is not run"
        run = sorted(services.keys() - self.not_run.keys())
        self._addresses = {name: f"10.89.0.{number}" for number, name in enumerate(run, start=10)}

    def _order(self) -> list[str]:
        order: list[str] = []

        def add(name: str) -> None:
            for other in self._model["services"][name].get("depends_on", {}):
                if other in self._addresses:
                    add(other)
            if name not in order:
                order.append(name)

        for name in self._addresses:
            add(name)
        return order

    def start(self, name: str) -> None:
        """Start a service, or start it anew; returns when it is healthy, where the file has a check."""
        definition = self._model["services"][name]
        for other, how in definition.get("depends_on", {}).items():
            if other in self.services and how["condition"] == "service_healthy":
                self.wait_healthy(other)
        image = self._images[definition["image"].rpartition(":")[0]]
        assert isinstance(image, Image)
        environment = self._variables(definition, image)
        user = (definition.get("user") or image.user).partition(":")
        ids = (user[0], user[2] or user[0])
        entrypoint = words(definition.get("entrypoint")) or [image.path]
        command = words(definition.get("command")) or list(image.command)
        home = self._home / name
        (home / "root").mkdir(parents=True, exist_ok=True)
        container = {
            "root": str(home / "root"),
            "address": self._addresses[name],
            "gateway": GATEWAY,
            "peer": f"c{self._addresses[name].rpartition('.')[2]}n{time.monotonic_ns() % 100000}",
            "files": self._files(definition),
            "mounts": self._mounts(definition, image, ids),
            "tmpfs": definition.get("tmpfs", []),
            "read_only": definition.get("read_only", False),
            "limits": {
                limit: (value["soft"], value["hard"])
                for limit, value in definition.get("ulimits", {}).items()
            },
            "user": ids,
            "drop_capabilities": "ALL" in definition.get("cap_drop", ()),
            "no_new_privileges": "no-new-privileges:true" in definition.get("security_opt", ()),
            "environment": environment,
            "command": [*entrypoint, *command],
        }
        specification = home / "container.json"
        specification.write_text(json.dumps(container), encoding="utf-8")
        log = home / "log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    *("nsenter", "--target", str(self._anchor), "--net", "--mount", "--pid", "--"),
                    *(
                        "unshare",
                        "--net",
                        "--mount",
                        "--",
                        sys.executable,
                        "-I",
                        str(CONTAINER),
                        str(specification),
                    ),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.services[name] = Service(name, self._addresses[name], process, log, ids, environment, definition)
        self.wait_healthy(name)

    def stop(self, name: str) -> None:
        """Stop a service as `docker compose stop` does: SIGTERM, and its address is gone."""
        service = self.services.pop(name)
        os.kill(service.pid, signal.SIGTERM)
        service.process.wait(timeout=30)

    def wait_healthy(self, name: str) -> None:
        """Wait until the health check of the file passes, and something listens on every published port."""
        service = self.services[name]
        deadline = time.monotonic() + START_SECONDS
        failure = "it was not asked"
        while time.monotonic() < deadline:
            if service.process.poll() is not None:
                raise ServiceError(f"{name} has ended:\n{service.said()}")
            failure = self.health(name)
            if not failure:
                return
            time.sleep(0.1)
        raise ServiceError(f"{name} is not healthy: {failure}\n{service.said()}")

    def health(self, name: str) -> str:
        """Run the check of the file in the service's namespaces; return what it said where it failed."""
        service = self.services[name]
        commands = [
            [
                "python3",
                "-c",
                f"import socket; socket.create_connection(('{service.address}', {port['target']}), 2)",
            ]
            for port in service.definition.get("ports", ())
        ]
        if "healthcheck" in service.definition:
            kind, *test = service.definition["healthcheck"]["test"]
            commands.append(test if kind == "CMD" else ["/bin/sh", "-c", *test])
        for command in commands:
            try:
                done = self.inside(name, *command)
            except IndexError:  # the program is not there yet
                return "it has not begun"
            if done.returncode != 0:
                return f"{shlex.join(command)}: {done.stderr.strip()[-500:]}"
        return ""

    def inside(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's namespaces and root, as its user, as `docker compose exec` does."""
        service = self.services[name]
        user, group = service.user
        return subprocess.run(
            [
                *("nsenter", "--target", str(service.pid), "--net", "--mount", "--pid", "--root", "--wd=/"),
                *("--setuid", user, "--setgid", group, "--", *command),
            ],
            env={**service.environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Let this thread's new sockets be in the stack's network, at the gateway's address."""
        with (
            Path("/proc/thread-self/ns/net").open() as own,
            Path(f"/proc/{self._anchor}/ns/net").open() as theirs,
        ):
            _enter(theirs.fileno())
            try:
                yield
            finally:
                _enter(own.fileno())

    def address(self, name: str, port: int) -> str:
        """Return a service's base URL, for whoever is in the network."""
        return f"http://{self._addresses[name]}:{port}"

    def _variables(self, definition: Mapping[str, Any], image: Image) -> dict[str, str]:
        # One without a value is taken from the environment of `docker compose`, and left out where it is not there.
        given = {
            name: self._environment.get(name) if value is None else str(value)
            for name, value in definition.get("environment", {}).items()
        }
        variables = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            **image.environment,
        }
        return variables | {name: value for name, value in given.items() if value is not None}

    def _files(self, definition: Mapping[str, Any]) -> dict[str, str]:
        hosts = {"localhost": "127.0.0.1", **self._addresses}
        for line in definition.get("extra_hosts", ()):
            name, address = re.split("[:=]", line, maxsplit=1)
            hosts[name] = GATEWAY if address == "host-gateway" else address
        return {
            "/etc/hosts": "".join(f"{address} {name}\n" for name, address in hosts.items()),
            "/etc/nsswitch.conf": "hosts: files\n",
            "/etc/resolv.conf": "",
            "/etc/passwd": "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
        }

    def _mounts(
        self, definition: Mapping[str, Any], image: Image, user: tuple[str, str]
    ) -> list[dict[str, Any]]:
        mounts = [_mount(str(image.source), image.path)] + [
            _mount(str(path), str(path)) for path in image.folders
        ]
        for volume in definition.get("volumes", ()):
            source = volume["source"]
            if volume["type"] == "volume":
                folder = self._home / "volumes" / source
                if not folder.exists():
                    # A new volume has the owner that the image's folder has: the image's own user.
                    folder.mkdir(parents=True)
                    os.chown(folder, int(user[0]), int(user[1]))
                source = str(folder)
            elif not Path(source).exists():
                raise ServiceError(f"{source} is mounted and does not exist")
            mounts.append(_mount(source, volume["target"], read_only=volume.get("read_only", False)))
        for secret in definition.get("secrets", ()):
            target = secret.get("target") or secret["source"]
            file = self._model["secrets"][secret["source"]]["file"]
            mounts.append(_mount(file, target if target.startswith("/") else f"/run/secrets/{target}"))
        return mounts


def _mount(source: str, target: str, *, read_only: bool = True) -> dict[str, Any]:
    return {"source": source, "target": target, "read_only": read_only}


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter the stack's network")
