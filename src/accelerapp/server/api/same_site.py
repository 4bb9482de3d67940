"""The check that no page of another site changes anything here."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from accelerapp.server.api.services import Services
from accelerapp.server.cross_site import is_cross_site

_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")


class SameSite:
    """ASGI middleware that answers 403 what a page of another site sends by a method that may change something."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _CHANGES_NOTHING:
            headers = Headers(scope=scope)
            # A proxy may ask under another name than the page has.
            if is_cross_site(headers, [urlsplit(self._services.external_url).netloc]):
                origin = headers.get("origin", "another site")[:200]
                problem = f"a page of {origin} may not ask for {scope['method']} {scope['path'][:200]}"
                client = scope.get("client")
                self._services.account.refused("cross_site", problem, client[0] if client else "")
                await PlainTextResponse(f"{problem}\n", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)
