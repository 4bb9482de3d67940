"""Log events over HTTP, as Logstash's http input takes them."""

from __future__ import annotations

import time

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from accelerapp.server.ingest.decoding import in_thread_if_large
from accelerapp.server.ingest.http_request import Body, endpoint
from accelerapp.server.ingest.log_events import (
    NOT_JSON_TAG,
    Event,
    events_of,
    events_of_line,
    is_not_json,
    text_event,
    to_request,
)
from accelerapp.server.ingest.receiver import Account, check_items
from accelerapp.server.signals import Clock
from accelerapp.server.storage import Sink

_JSON = "application/json"
_LINES = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)


def logstash_http_app(
    sink: Sink, account: Account, *, max_request_bytes: int = 16 * 1024 * 1024, clock: Clock = time.time
) -> Starlette:
    """Make the application that takes events at any path by POST or PUT; `ok` says that they are durable.

    JSON is an event, a list of them, or one a line; any other content type is one event whose message is the body.
    What should be JSON and is not is kept as a message, tagged as Logstash tags it, and counted. `max_request_bytes`
    limits a request both as sent and once decompressed.
    """

    async def take(body: Body) -> Response:
        events = await in_thread_if_large(len(body.content), _events, body)
        check_items(len(events), "events")
        if not_json := sum(map(is_not_json, events)):
            account.refused(
                "not_json",
                f"what is no JSON object is kept as text, tagged {NOT_JSON_TAG}",
                body.sender,
                not_json,
            )
        request = await in_thread_if_large(len(body.content), to_request, events, int(clock() * 1e9))
        account.accepted("logs", await sink.write_logs(request))
        return PlainTextResponse("ok")

    handler = endpoint(take, account, max_request_bytes)
    return Starlette(routes=[Route("/{path:path}", handler, methods=["POST", "PUT"])])


def _events(body: Body) -> list[Event]:
    content = body.content.strip()
    if not content:
        return []
    if body.media_type not in (_JSON, *_LINES):
        return [text_event(content)]
    if body.media_type == _JSON and (events := events_of(content)) is not None:
        return events
    lines = [line for line in content.splitlines() if line.strip()]
    check_items(len(lines), "lines")
    # Senders of one object a line call it JSON too.
    if body.media_type == _JSON and (len(lines) == 1 or any(events_of(line) is None for line in lines)):
        return [text_event(content, NOT_JSON_TAG)]
    return [event for line in lines for event in events_of_line(line)]
