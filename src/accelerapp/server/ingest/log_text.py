"""Lines of text that are not JSON, taken apart as the shipped ingest pipeline does it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from accelerapp.server.regex import compile_re2

_LONGEST = 64 * 1024
_LEVEL = (
    "(?P<level>(?i:alert|trace|debug|notice|info(?:rmation(?:al)?)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|"
    "severe|emerg(?:ency)?))"
)
_TIMESTAMP = r"(?P<timestamp>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)"
_TRACEBACK = "Traceback (most recent call last):"
_NGINX = compile_re2(
    r"(?P<source_address>\S+) - \S+ \[(?P<timestamp>[^\]]+)\] "
    r'"(?:(?P<method>\w+) (?P<url>\S+)(?: HTTP/(?P<version>[\d.]+))?|[^"]*)" (?P<status>\d{3}) '
    r"(?:(?P<bytes>\d{1,18})|-)"
    r'(?: "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)")?\s*'
)
_PAIR = compile_re2(r'([A-Za-z_][A-Za-z0-9_.-]*)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_LINES = [
    compile_re2(pattern, dot_matches_newline=True)
    for pattern in (
        rf"{_TIMESTAMP}[ |,:-]+\[?{_LEVEL}\]?[ |:-]+(?:(?P<logger>[A-Za-z_][\w.]*)(?:: | - | \| ))?(?P<message>.+)",
        rf"{_LEVEL}:(?P<logger>[\w.]+):(?P<message>.+)",
        rf"\[?{_LEVEL}\]?[ :]+(?P<message>.+)",
    )
]
_LOGFMT_NAMES = {
    "msg": "message",
    "ts": "timestamp",
    "time": "timestamp",
    "err": "exception_message",
    "error": "exception_message",
    "caller": "logger",
    "traceID": "trace_id",
    "traceId": "trace_id",
}


def text_fields(message: str) -> dict[str, Any]:
    """Return the fields that a message of text tells, under the names of a JSON line; none where no form is known.

    The forms are a Python traceback, nginx's combined, logfmt, and a line with a level as Python's logging writes it.
    The text as it came is kept as `event.original` where the message is but a part of it.
    """
    if len(message) > _LONGEST:
        return {}
    for form in (_traceback, _nginx, _logfmt, _line):
        if fields := form(message):
            return {"event.original": message, **fields} if "message" in fields else fields
    return {}


def _traceback(message: str) -> dict[str, Any]:
    before, found, after = message.partition(_TRACEBACK)
    if not found or (before and not before.endswith("\n")):
        return {}
    last = after.rstrip().rpartition("\n")[2]
    kind, _, why = last.partition(": ")
    if not kind.replace(".", "").isidentifier():
        return {}
    return {
        "level": "error",
        "message": before.rstrip("\n") or last,
        "exception": (found + after).rstrip(),
        "exception_type": kind,
        "exception_message": why,
    }


def _nginx(message: str) -> dict[str, Any]:
    match = _NGINX.fullmatch(message)
    if match is None:
        return {}
    found = match.groupdict()
    status = int(found["status"])
    fields = {
        "level": "error" if status >= 500 else "warning" if status >= 400 else "info",
        "service": "nginx",
        "source.address": found["source_address"],
        "http.request.method": found["method"],
        "http.response.status_code": status,
        "http.response.body.bytes": int(found["bytes"]) if found["bytes"] else None,
        "http.request.referrer": found["referrer"],
        "http.version": found["version"],
        "url.original": found["url"],
        "user_agent.original": found["agent"],
    }
    try:
        at = dt.datetime.strptime(found["timestamp"], "%d/%b/%Y:%H:%M:%S %z")
        fields["timestamp"] = at.isoformat()
    except ValueError:
        pass
    return {name: value for name, value in fields.items() if value is not None}


def _logfmt(message: str) -> dict[str, Any]:
    if "level=" not in message or not _PAIR.match(message.lstrip()):
        return {}
    pairs = {key: quoted or plain for key, quoted, plain in _PAIR.findall(message)}
    if "level" not in pairs:
        return {}
    fields: dict[str, Any] = {}
    for key, value in pairs.items():
        name = _LOGFMT_NAMES.get(key, key)
        fields[key if name in pairs and name != key else name] = value
    return fields


def _line(message: str) -> dict[str, Any]:
    for pattern in _LINES:
        if match := pattern.fullmatch(message):
            return {name: value for name, value in match.groupdict().items() if value is not None}
    return {}
