"""OTLP's attributes as labels, by the rules of Prometheus' own OTLP receiver."""

from __future__ import annotations

import base64
import functools
import math
from collections.abc import Iterable, Mapping

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from accelerapp.server.ingest.otlp_names import label_name
from accelerapp.server.numbers import format_plain
from accelerapp.server.signals import METRIC_NAME

#: The attributes of a resource that become `job` and `instance`.
IDENTITY = frozenset({"service.name", "service.namespace", "service.instance.id"})


class InvalidAttributeError(ValueError):
    """Nothing of an attribute's name is left in Prometheus' form."""


def attribute_labels(
    attributes: Iterable[tuple[str, AnyValue]], identity: Mapping[str, str]
) -> dict[str, str]:
    """Return attributes as labels, with `job` and `instance` of the resource.

    Of those whose names become one, the values are joined in the order of the original names. Raises
    InvalidAttributeError.
    """
    labels: dict[str, str] = {}
    for key, value in sorted(attributes, key=lambda one: one[0]):
        if key == METRIC_NAME:
            continue
        name = label_name(key)
        if not name:
            raise InvalidAttributeError(
                f"nothing of the attribute's name {key!r} is left in Prometheus' form"
            )
        text = attribute_text(value)
        labels[name] = f"{labels[name]};{text}" if labels.get(name) else text
    return {**labels, **identity}


def identity_labels(resource: Mapping[str, AnyValue]) -> dict[str, str]:
    """Return the labels `job` and `instance` that a resource's attributes give."""
    job = attribute_text(resource["service.name"]) if "service.name" in resource else ""
    if "service.name" in resource and "service.namespace" in resource:
        job = f"{attribute_text(resource['service.namespace'])}/{job}"
    instance = attribute_text(resource["service.instance.id"]) if "service.instance.id" in resource else ""
    return {name: value for name, value in (("job", job), ("instance", instance)) if value}


def attribute_text(value: AnyValue) -> str:
    """Write an attribute's value as text: what is not simple as JSON, bytes in base 64."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode("ascii")
    return "" if kind is None else _json(value)


def _json(value: AnyValue) -> str:
    match value.WhichOneof("value"):
        case "string_value":
            return orjson.dumps(value.string_value).decode()
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "int_value":
            return str(value.int_value)
        case "double_value":
            return _number(value.double_value)
        case "array_value":
            return f"[{','.join(map(_json, value.array_value.values))}]"
        case "kvlist_value":
            pairs = {pair.key: pair.value for pair in value.kvlist_value.values}
            inner = ",".join(f"{orjson.dumps(key).decode()}:{_json(pairs[key])}" for key in sorted(pairs))
            return f"{{{inner}}}"
        case "bytes_value":
            return f'"{base64.b64encode(value.bytes_value).decode("ascii")}"'
    return "null"


def _number(value: float) -> str:
    """Write a number as JavaScript does, without an exponent from 1e-6 up to 1e21."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return plain_number(value)
    mantissa, _, exponent = repr(value).partition("e")
    sign = "-" if exponent.startswith("-") else "+"
    return f"{mantissa.removesuffix('.0')}e{sign}{exponent.lstrip('+-').lstrip('0')}"


#: Bounds and quantiles come again with every point.
plain_number = functools.lru_cache(maxsize=4096)(format_plain)
