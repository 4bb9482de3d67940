"""The state of the observatory as the page asks for it: what it takes and refuses, its limits, files and settings."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
import re
import sys
from functools import cache
from typing import Any

import psutil
from starlette.requests import Request
from starlette.routing import Route

from accelerapp.server.api.answer import own
from accelerapp.server.api.limits import limits
from accelerapp.server.api.services import FileInUse, Services, modified
from accelerapp.server.ingest import ReceiverStatus, Refusal

PATH = "/api/accelerapp/v1/status"
_DISTRIBUTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def routes(services: Services) -> list[Route]:
    """Return the routes of the state of a running observatory."""

    async def status(_: Request) -> Any:
        return {
            "version": services.version,
            "revision": services.revision,
            "time_factor": services.time_factor,
            "started_ms": services.started_at * 1000,
            "ports": dict(services.ports()),
            "storage": dict(services.storage_stats()),
            "alerting": dataclasses.asdict(services.alertmanager.load()),
            "inputs": [_account(one) for one in services.receivers()],
            "page": _account(services.account.status("")),
            "queries": {
                "waiting": services.query_threads.waiting,
                "refused": {**services.engine.refused(), **services.query_threads.refused()},
            },
            "receivers": _receivers(services),
        }

    async def told_limits(_: Request) -> Any:
        held = await services.in_query_thread(services.inventory)
        return {"limits": [_limit(dataclasses.asdict(one)) for one in limits(services, held)]}

    async def configuration(_: Request) -> Any:
        configuration = services.configuration()
        return {
            "read_ms": configuration.read_at * 1000,
            "tried_ms": configuration.tried_at * 1000,
            "error": configuration.error,
            "files": await services.in_query_thread(_files, configuration.files),
            "texts": {
                "scrape": configuration.yaml,
                "routes": services.alertmanager.config.original,
                "overlay": configuration.overlay,
            },
            "settings": [dataclasses.asdict(one) for one in configuration.settings],
        }

    async def about(_: Request) -> Any:
        return {"version": services.version, "revision": services.revision, **_about()}

    return [
        Route(PATH, own(status)),
        Route(f"{PATH}/limits", own(told_limits)),
        Route(f"{PATH}/configuration", own(configuration)),
        Route(f"{PATH}/about", own(about)),
    ]


def _account(one: ReceiverStatus) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "address": one.address,
        "accepted": dict(one.accepted),
        "refused": dict(one.refused),
        "last_refusals": [_refusal(refusal) for refusal in one.last_refusals],
    }


def _refusal(one: Refusal) -> dict[str, Any]:
    return {"at_ms": one.at * 1000, "reason": one.reason, "message": one.message, "offender": one.offender}


def _receivers(services: Services) -> list[dict[str, Any]]:
    return [
        {
            "name": receiver.name,
            "integrations": [
                {
                    "type": integration.type,
                    "status": integration.status,
                    "detail": integration.detail,
                    "notifications": integration.notifications,
                    "failed": integration.failed,
                    "last_error": integration.last_error,
                    "last_attempt_ms": _ms(integration.last_attempt),
                }
                for integration in receiver.integrations
            ],
        }
        for receiver in services.alertmanager.receivers()
    ]


def _limit(one: dict[str, Any]) -> dict[str, Any]:
    last_at = one.pop("last_at")
    return {**one, "last_at_ms": _ms(last_at)}


def _files(files: tuple[FileInUse, ...]) -> list[dict[str, Any]]:
    """Tell of each file whether it is another now than what was read; looks at the files."""
    return [
        {
            "role": one.role,
            "path": one.path,
            "modified_ms": _ms(one.modified),
            "changed": one.modified != modified(one.path),
        }
        for one in files
    ]


@cache
def _about() -> dict[str, Any]:
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "executable": sys.executable,
        "libraries": {name: found for name in _libraries() if (found := _version(name))},
    }


def _libraries() -> list[str]:
    """Return the distributions that this one says it needs, whatever for."""
    try:
        wanted = importlib.metadata.requires("accelerapp") or []
    except importlib.metadata.PackageNotFoundError:
        return []
    told = (text for text in wanted if 'extra == "dev"' not in text.replace("'", '"'))
    names = {match[0].lower() for text in told if (match := _DISTRIBUTION.match(text))}
    return sorted(names - {"accelerapp"})


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
