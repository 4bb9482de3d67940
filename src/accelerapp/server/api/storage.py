"""What the data folder holds, and a copy of it."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from accelerapp.server.api.answer import json_response, own
from accelerapp.server.api.services import Services

PATH = "/api/accelerapp/v1/storage"


def routes(services: Services) -> list[Route]:
    """Return the routes of the data folder."""
    busy = asyncio.Lock()

    async def storage(_: Request) -> Any:
        held = await services.in_query_thread(services.inventory)
        return {**asdict(held), "counters": dict(services.storage_stats())}

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


def _from_here(request: Request) -> bool:
    """Tell whether a request comes from this machine, and from no page of another site."""
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return False
    if request.client is None:
        return False
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
