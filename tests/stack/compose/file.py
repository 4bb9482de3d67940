"""docker-compose.yml as Compose's own loader understands it, and what of it the runner does."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

DONE = {
    *("cap_drop", "command", "container_name", "depends_on", "entrypoint", "environment", "extra_hosts"),
    *("healthcheck", "image", "networks", "pid", "ports", "profiles", "read_only", "secrets", "security_opt"),
    *("tmpfs", "ulimits", "user", "volumes"),
}
LEFT_TO_DOCKER = {
    "build": "the image's own test runs what the Dockerfile says",
    "deploy": "limits need control groups, which are the machine's",
    "logging": "Docker's log files",
    "restart": "tests stop services on purpose",
}


class UnsupportedError(Exception):
    """The Compose file says something that is not done here; the message names it."""


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """Put values in place of variables, as Compose does; raises UnsupportedError for one that has none.

    The forms are `$$`, `${NAME}`, `${NAME-default}` and `${NAME:-default}`.
    """

    def value(match: re.Match[str]) -> str:
        name, rule, default = match["name"], match["rule"], match["default"]
        if name is None:
            return "$"
        given = values.get(name)
        if given is None or (given == "" and rule == ":-"):
            if rule is None:
                raise UnsupportedError(f"the variable {name} has no value")
            return str(default)
        return given

    form = r"\$(?:\$|\{(?P<name>\w+)(?:(?P<rule>:?-)(?P<default>[^}]*))?\})"
    if strange := re.search(r"\$(?!\$|\{\w+(?::?-[^}]*)?\})", re.sub(r"\$\$", "", text)):
        raise UnsupportedError(f"not a form of a variable that is known: {text[strange.start() :][:40]}")
    return re.sub(form, value, text)


def loaded(folder: Path, loader: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the file as Compose's loader understands it, without the services of other profiles.

    Variables are put in here, since the loader's command forgets its environment.
    """
    values = {name: value or "" for name, value in dotenv_values(folder / ".env").items()} | dict(environment)
    text = (folder / "docker-compose.yml").read_text(encoding="utf-8")
    done = subprocess.run(
        [loader, "-no-interpolation", "-format", "json", "-"],
        cwd=folder,
        input=interpolated(text, values),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 or done.stderr:
        raise UnsupportedError(f"Compose refuses the file: {done.stderr}")
    model: dict[str, Any] = json.loads(done.stdout)
    wanted = set(values["COMPOSE_PROFILES"].split(","))
    model["services"] = {
        name: service
        for name, service in model["services"].items()
        if not service.get("profiles") or set(service["profiles"]) & wanted
    }
    return model


def words(command: str | list[str] | None) -> list[str]:
    """Return a command's words; one that is a single text is split as a shell does."""
    return shlex.split(command) if isinstance(command, str) else list(command or ())


def check_keys(model: Mapping[str, Any]) -> None:
    """Raise UnsupportedError for what the file says and this runner does not do."""

    def only(where: str, said: Any, done: Any) -> None:
        if beyond := set(said) - set(done):
            raise UnsupportedError(f"{where}: {', '.join(sorted(beyond))}")

    only("the file", model, {"name", "services", "networks", "volumes", "secrets"} | _extensions(model))
    for name, service in model["services"].items():
        only(name, service, DONE | LEFT_TO_DOCKER.keys())
        only(f"{name}.cap_drop", service.get("cap_drop", ()), {"ALL"})
        only(f"{name}.security_opt", service.get("security_opt", ()), {"no-new-privileges:true"})
        only(f"{name}.networks", service.get("networks", ()), model["networks"])
        only(f"{name}.pid", {service.get("pid", "host")}, {"host"})
        only(f"{name}.ulimits", service.get("ulimits", ()), {"nofile"})
        only(
            f"{name}.healthcheck",
            service.get("healthcheck", ()),
            {"test", "interval", "timeout", "retries", "start_period"},
        )
        for volume in service.get("volumes", ()):
            only(f"{name}.volumes", volume, {"type", "source", "target", "read_only", "bind", "volume"})
            only(f"{name}.volumes.type", {volume["type"]}, {"bind", "volume"})
            only(f"{name}.volumes.bind", volume.get("bind", ()), {"create_host_path"})
            only(f"{name}.volumes.volume", volume.get("volume", ()), ())
        for secret in service.get("secrets", ()):
            only(f"{name}.secrets", secret, {"source", "target"})


def _extensions(model: Mapping[str, Any]) -> set[str]:
    return {key for key in model if key.startswith("x-")}
