"""The page and its files, with the headers that keep anything foreign out of it."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = Path(__file__).parents[1] / "page"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

# Programs ask these: a page with status 200 would hide from them that nothing is there.
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


def routes() -> list[BaseRoute]:
    """Return the routes of the page; every address that no other route takes is a view of it."""

    async def view(request: Request) -> Response:
        if request.method not in ("GET", "HEAD") or request.url.path.startswith(_NO_VIEWS):
            return _unknown(request)
        index = PAGE / "index.html"
        if not index.is_file():
            return PlainTextResponse("The page was not built in this checkout: run `make page`.\n", 503)
        # The file names what it loads by their content, so only this one must be asked for anew.
        return FileResponse(index, headers={"cache-control": "no-cache"})

    built: list[BaseRoute] = []
    if (PAGE / "assets").is_dir():
        built.append(Mount("/assets", StaticFiles(directory=PAGE / "assets")))
    return [*built, Route("/{path:path}", view, methods=_METHODS)]


def _unknown(request: Request) -> Response:
    """Answer as Prometheus does what no route takes: 405 where another method would do, 404 else."""
    allowed: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL:
            allowed |= route.methods or set()
    if allowed:
        return PlainTextResponse("Method Not Allowed\n", 405, headers={"allow": ", ".join(sorted(allowed))})
    return PlainTextResponse("404 page not found\n", 404)
