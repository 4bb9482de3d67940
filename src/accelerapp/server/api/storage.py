"""What the data folder holds, and a copy of it."""

from __future__ import annotations

import asyncio
import ipaddress
import shutil
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from accelerapp.server.api.answer import json_response, own
from accelerapp.server.api.services import Services
from accelerapp.server.storage import Inventory

PATH = "/api/accelerapp/v1/storage"


def routes(services: Services) -> list[Route]:
    """Return the routes of the data folder."""
    busy = asyncio.Lock()

    async def storage(_: Request) -> Any:
        held, free_bytes = await services.in_query_thread(lambda: _held(services))
        return {**asdict(held), "free_bytes": free_bytes, "counters": dict(services.storage_stats())}

    async def backup(request: Request) -> Response:
        if not _from_here(request):
            return json_response({"error": "a backup is given to this machine alone: ask for it there"}, 403)
        if busy.locked():
            return json_response({"error": "a backup is being taken: wait for it to end"}, 409)

        async def parts() -> AsyncIterator[bytes]:
            async with busy:
                archive = services.backup()
                try:
                    async for part in iterate_in_threadpool(archive):
                        yield part
                finally:
                    archive.close()

        # Most of it is compressed already, and compressing it again would hold up the event loop.
        headers = {"Content-Encoding": "identity"}
        return StreamingResponse(parts(), media_type="application/x-tar", headers=headers)

    return [Route(PATH, own(storage)), Route(f"{PATH}/backup", own(backup), methods=["POST"])]


def _held(services: Services) -> tuple[Inventory, int | None]:
    """Return what is held, and how many bytes its disk has left: None where the folder is there no more."""
    held = services.inventory()
    try:
        return held, shutil.disk_usage(held.folder).free
    except OSError:
        return held, None


def _from_here(request: Request) -> bool:
    """Tell whether a request comes from this machine, and from no page under a name of its own."""
    origin = urlsplit(request.headers.get("origin", "")).hostname
    # A page from elsewhere may have its own name lead here, and is of the same origin then (DNS rebinding).
    if origin not in {None, "localhost"} and not _is_loopback(origin or ""):
        return False
    if request.client is None:
        return False
    # Who asks at an address of this machine's network from that same address is this machine too.
    server = request.scope.get("server")
    asked_at = server[0] if server else ""
    return _is_loopback(request.client.host) or request.client.host == asked_at


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
