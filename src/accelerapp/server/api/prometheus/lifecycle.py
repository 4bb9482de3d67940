"""Whether the observatory runs, and reading its files again, at Prometheus' addresses."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from accelerapp.server.api.services import ReloadError, Services


def routes(services: Services) -> list[Route]:
    """Return the routes of the life cycle; `/-/reload` is also Alertmanager's."""

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("The observatory is healthy.\n")

    async def ready(_: Request) -> Response:
        return PlainTextResponse("The observatory is ready.\n")

    async def reload(request: Request) -> Response:
        if request.method not in ("POST", "PUT"):
            return PlainTextResponse("Only POST or PUT requests allowed", 405)
        try:
            await services.reload()
        except ReloadError as error:
            return PlainTextResponse(f"failed to reload config: {error}\n", 500)
        return Response()

    return [
        Route("/-/healthy", healthy),
        Route("/-/ready", ready),
        Route("/-/reload", reload, methods=["GET", "POST", "PUT"]),
    ]
