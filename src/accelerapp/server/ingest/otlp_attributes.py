"""Attributes of OTLP made from plain values, for the protocols that are translated to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

# Protobuf reads a hundred nested messages, and a level of an attribute is three.
_DEEPEST = 16
_INTEGERS = range(-(2**63), 2**63)


def add_attributes(pairs: RepeatedCompositeFieldContainer[KeyValue], values: Mapping[str, Any]) -> None:
    """Add attributes to those that there are."""
    for key, value in values.items():
        set_value(pairs.add(key=key).value, value)


def set_value(target: AnyValue, value: Any, depth: int = _DEEPEST) -> None:
    """Set a value of JSON or bytes; what is nested too deeply, or is no 64-bit integer, becomes its JSON as text."""
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int) and value in _INTEGERS:
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif isinstance(value, Mapping) and depth:
        pairs = target.kvlist_value
        pairs.SetInParent()
        for key, one in value.items():
            pair = pairs.values.add(key=key)
            set_value(pair.value, one, depth - 1)
    elif isinstance(value, list) and depth:
        items = target.array_value
        items.SetInParent()
        for one in value:
            set_value(items.values.add(), one, depth - 1)
    elif isinstance(value, int):
        target.string_value = str(value)
    elif value is not None:
        target.string_value = as_json(value)


def as_json(value: Any) -> str:
    """Return a value as JSON; of one that is nested too deeply for that, words that say so."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return "(nested too deeply)"
