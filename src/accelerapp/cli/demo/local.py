"""The demo's own server: the stand-in for the model, and the webhook that receives the notifications."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

#: Notifications kept for whoever asks; the story needs a handful.
_KEPT = 1000


def webhook() -> Starlette:
    """Return an application that keeps what is posted to `/notify` and tells it at `/received`."""
    received: list[dict[str, Any]] = []

    async def notify(request: Request) -> Response:
        received.append({"at_ms": time.time() * 1000, "body": await request.json()})
        del received[:-_KEPT]
        return JSONResponse({})

    async def tell(_: Request) -> Response:
        return JSONResponse({"received": received})

    return Starlette(routes=[Route("/notify", notify, methods=["POST"]), Route("/received", tell)])


@contextlib.contextmanager
def local_server() -> Iterator[str]:
    """Serve the webhook under `/webhook` and the stand-in at the root, on a free port; yields the base URL."""
    # Here, so that other commands start without loading the code-generation service.
    from accelerapp.codegen.ollama_standin import ollama_standin

    app = Starlette(routes=[Mount("/webhook", webhook()), Mount("/", ollama_standin())])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="demo-local", daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
