"""One request of a receiver that speaks HTTP: its body read within limits, its refusal counted and answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from accelerapp.server.cross_site import is_cross_site
from accelerapp.server.ingest.compression import (
    BoundedBody,
    Encoding,
    MalformedCompressionError,
    TooLargeError,
)
from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.receiver import (
    REQUESTS_AT_ONCE,
    Account,
    RefusedError,
    Room,
    refusal,
)
from accelerapp.server.storage import StorageFullError

logger = logging.getLogger(__name__)

_BODY_SECONDS = 60.0

_STATUSES = {
    "malformed": 400,
    "cancelled": 400,
    "cross_site": 403,
    "too_slow": 408,
    "too_large": 413,
    "unsupported": 415,
    "storage_full": 503,
    "too_many": 503,
}
#: What any page may have a browser send anywhere; for the others a browser asks first, and is not allowed.
_SENT_UNASKED = ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data")
_ENCODINGS: dict[str, Encoding | None] = {
    "identity": None,
    "": None,
    "gzip": "gzip",
    "x-gzip": "gzip",
    "deflate": "zlib",
    "zlib": "zlib",
}


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body, decompressed, and who sent it.

    `media_type` is that of Content-Type, in lower case and without parameters.
    """

    content: bytes
    media_type: str
    sender: str


Handle = Callable[[Body], Awaitable[Response]]
Refuse = Callable[[RefusedError, int, str], Response]


def plain_refusal(error: RefusedError, status: int, media_type: str) -> Response:
    """Answer a refusal with its message as text."""
    return PlainTextResponse(f"{error}\n", status)


def endpoint(
    handle: Handle,
    account: Account,
    limit: int,
    *,
    media_types: tuple[str, ...] = (),
    refuse: Refuse = plain_refusal,
    body_seconds: float = _BODY_SECONDS,
) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that reads a body and gives it to `handle`.

    `limit` bounds the body both as sent and once decompressed, `body_seconds` the time that it may take to come. A
    request of none of the `media_types`, where any are given, is refused, as are one that a page of another site sends
    and one that `handle` refuses by RefusedError, StorageFullError or ValueError: it is counted on `account` and
    answered by `refuse`, which is given the status and the request's media type.
    """

    room = Room(REQUESTS_AT_ONCE * limit)

    async def answer(request: Request) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        sender = request.client.host if request.client else "an unknown sender"
        try:
            if media_types and media_type not in media_types:
                raise RefusedError(
                    "unsupported",
                    f"Content-Type {media_type or '(none)'!r} is not taken here: send {' or '.join(media_types)}",
                )
            if media_type in _SENT_UNASKED and is_cross_site(request.headers):
                origin = request.headers.get("origin", "another site")[:200]
                raise RefusedError("cross_site", f"a page of {origin} may not send telemetry here")
            try:
                content = await _read(request, limit, body_seconds, room)
                return await handle(Body(content, media_type, sender))
            finally:
                room.leave(request)
        except (RefusedError, StorageFullError, ValueError) as error:
            refused = refusal(error)
        except ClientDisconnect:
            refused = RefusedError("cancelled", "the sender went away before the body was complete")
        logger.debug("%s refused a request of %s: %s", account.title, sender, refused)
        account.refused(refused.reason, str(refused), sender)
        response = refuse(refused, _STATUSES[refused.reason], media_type)
        if refused.retry_after is not None:
            response.headers["Retry-After"] = str(max(1, round(refused.retry_after)))
        return response

    return answer


async def _read(request: Request, limit: int, seconds: float, room: Room) -> bytes:
    given = request.headers.get("content-encoding", "identity").strip().lower()
    if given not in _ENCODINGS:
        raise RefusedError("unsupported", f"Content-Encoding {given!r} is not supported: send gzip")
    encoding = _ENCODINGS[given]
    body = BoundedBody(limit, encoding)
    # What is compressed is worth more work than its size.
    weight = 8 if encoding else 1
    received = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                received += len(chunk)
                if received > limit:
                    raise TooLargeError(f"the body is larger than {limit} bytes")
                await in_thread_if_large(weight * len(chunk), body.add, chunk)
                room.take(request, body.size)
        return body.finish()
    except TimeoutError as error:
        raise RefusedError("too_slow", f"the body did not come within {seconds:g} s") from error
    except TooLargeError as error:
        raise RefusedError("too_large", f"{error}: send smaller batches") from error
    except MalformedCompressionError as error:
        raise RefusedError("malformed", str(error)) from error
