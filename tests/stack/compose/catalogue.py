"""A service beside the application, which tells of its requests at /metrics.

It is asked once a second, from SIGUSR1 on RATE times, and from SIGUSR2 on once again. Requests are handed to it in its
own process, since two processors could not carry a thousand a second over the network.

    python catalogue.py HOST PORT RATE
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from typing import Any

from accelerapp.monitoring import get_metrics
from accelerapp.observability import setup_metrics_export
from accelerapp.observability.integrations.asgi import ObservabilityMiddleware


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Any) -> None:
    del message


async def main(host: str, port: int, rate: int) -> None:
    logging.disable(logging.INFO)
    setup_metrics_export(port=port, host=host)
    application = ObservabilityMiddleware(_answer, metrics=get_metrics())
    scope = {"type": "http", "method": "GET", "path": "/items", "headers": [], "query_string": b""}
    now = 1

    def ask(times: int) -> None:
        nonlocal now
        now = times

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, ask, rate)
    loop.add_signal_handler(signal.SIGUSR2, ask, 1)
    due, at = 0.0, time.monotonic()
    while True:
        passed, at = time.monotonic() - at, time.monotonic()
        due += passed * now
        while due >= 1:
            await application(dict(scope), _receive, _send)
            due -= 1
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
