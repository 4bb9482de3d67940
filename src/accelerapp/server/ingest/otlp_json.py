"""OTLP's JSON form, turned into its protobuf messages."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

import orjson
from google.protobuf import json_format
from google.protobuf.message import Message

from accelerapp.server.ingest.receiver import RefusedError

AnyMessage = TypeVar("AnyMessage", bound=Message)

_HEX_IDS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})


# A request of the largest size has fewer, unless they are empty; each takes microseconds.
_MOST_OBJECTS = 1_000_000


class MalformedJsonError(ValueError):
    """The bytes are not the OTLP JSON request that they should be."""


def parse_json(body: bytes, message: AnyMessage) -> AnyMessage:
    """Fill a message from OTLP JSON: ids in hexadecimal, enums as numbers or names, 64-bit integers as strings.

    Unknown fields are ignored, as OTLP 1.x demands. Raises MalformedJsonError, and RefusedError where it is too much.
    """
    if (objects := body.count(b"{")) > _MOST_OBJECTS:
        raise RefusedError(
            "too_large",
            f"the body has {objects} JSON objects, {_MOST_OBJECTS} are allowed: send smaller batches",
        )
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJsonError(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedJsonError("the body is not a JSON object")
    _ids_to_base64(document)
    try:
        json_format.ParseDict(document, message, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedJsonError(
            f"the body is not an {message.DESCRIPTOR.name} in OTLP's JSON form: {error}"
        ) from error
    return message


def _ids_to_base64(document: Any) -> None:
    """Rewrite hexadecimal ids as base64, protobuf's own JSON form; attributes hold their names as values."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key, child in value.items():
                if key in _HEX_IDS and isinstance(child, str):
                    value[key] = _base64_of_hex(key, child)
                elif isinstance(child, dict | list):
                    waiting.append(child)
        else:
            waiting.extend(child for child in value if isinstance(child, dict | list))


def _base64_of_hex(name: str, text: str) -> str:
    try:
        return base64.b64encode(bytes.fromhex(text)).decode("ascii")
    except (ValueError, binascii.Error) as error:
        raise MalformedJsonError(f"{name} is not hexadecimal: {text!r}") from error
