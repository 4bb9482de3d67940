"""The page and its files, with the headers that keep anything foreign out of it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from accelerapp.server.api.answer import json_response
from accelerapp.server.api.dashboards import PREFIX as OWN_PREFIX

PAGE = Path(__file__).parents[1] / "page"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

#: The page's views, as ui/src/routes.ts has them: the first part of the path, and how many parts it may have.
VIEWS: Mapping[str, tuple[int, ...]] = {
    "alerts": (1, 2),
    "compare": (1,),
    "d": (2, 3),
    "explore": (1,),
    "logs": (1,),
    "open": (1,),
    "playbooks": (1, 2),
    "silences": (1,),
    "start": (1,),
    "services": (1,),
    "status": (1,),
    "trace": (2,),
    "traces": (1,),
}
# As Vite names them: index-CiGq0_A-.js.
_NAMED_BY_CONTENT = re.compile(r"-[\w-]{8}\.\w+$")
# Programs ask these, and are answered as Prometheus answers them.
_NO_VIEWS = ("/api/", "/-/", "/federate")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


class SecurityHeaders:
    """ASGI middleware that adds the protective headers to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class Assets(StaticFiles):
    """The files of the page, compressed where the build has done so; those named by their content never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file; raises HTTPException where there is none."""
        found: Response | None = None
        if "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            with contextlib.suppress(HTTPException):
                found = await super().get_response(f"{path}.gz", scope)
                found.headers["content-encoding"] = "gzip"
        if found is None:
            found = await super().get_response(path, scope)
        found.headers.add_vary_header("Accept-Encoding")
        forever = _NAMED_BY_CONTENT.search(path) is not None
        found.headers["cache-control"] = "public, max-age=31536000, immutable" if forever else "no-cache"
        return found


def routes() -> list[BaseRoute]:
    """Return the routes of the page, which tells people of every address that no route takes that nothing is there."""

    async def view(request: Request) -> Response:
        found = is_view(request.scope["raw_path"].decode("ascii", "replace"))
        if request.method not in ("GET", "HEAD") or not (found or _for_people(request)):
            return _unknown(request)
        index = PAGE / "index.html"
        if not index.is_file():
            return PlainTextResponse("The page was not built in this checkout: run `make page`.\n", 503)
        # The file names what it loads by their content, so only this one must be asked for anew.
        return FileResponse(index, 200 if found else 404, headers={"cache-control": "no-cache"})

    built: list[BaseRoute] = []
    if (PAGE / "assets").is_dir():
        built.append(Mount("/assets", Assets(directory=PAGE / "assets")))
    return [*built, Route("/{path:path}", view, methods=_METHODS)]


def is_view(path: str) -> bool:
    """Tell whether the page has a view at a path, which is still encoded."""
    parts = [unquote(part) for part in path.split("/") if part]
    return not parts or len(parts) in VIEWS.get(parts[0], ())


def _for_people(request: Request) -> bool:
    """Tell whether a person asks, by following a link, and no program or page for a part of it."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_NO_VIEWS)


def _unknown(request: Request) -> Response:
    """Answer as Prometheus does what no route takes: 405 where another method would do, 404 else."""
    allowed: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL:
            allowed |= route.methods or set()
    if allowed:
        return PlainTextResponse("Method Not Allowed\n", 405, headers={"allow": ", ".join(sorted(allowed))})
    path = request.url.path
    if path.startswith(OWN_PREFIX):
        told = f"there is nothing at {path[:200]}; docs/reference/http-api.md names what there is"
        return json_response({"error": told}, 404)
    return PlainTextResponse("404 page not found\n", 404)
