"""Private protobuf messages: OTLP's own with some fields left as bytes, so that only what is wanted is decoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as _Described

FIXED64 = _Described.TYPE_FIXED64
INT32 = _Described.TYPE_INT32
STRING = _Described.TYPE_STRING
BYTES = _Described.TYPE_BYTES


class Field(NamedTuple):
    """A field of a message: its number, its type (one of the constants here, or another message's name)."""

    number: int
    type: Any
    repeated: bool = False


def messages(package: str, shapes: Mapping[str, Mapping[str, Field]], *names: str) -> list[Any]:
    """Return the classes of the messages `names`, each one of `shapes`; `package` keeps them apart from others."""
    package = f"accelerapp.{package}"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for shape, fields in shapes.items():
        described = file.message_type.add(name=shape)
        for name, field in fields.items():
            added = described.field.add(name=name, number=field.number)
            added.label = _Described.LABEL_REPEATED if field.repeated else _Described.LABEL_OPTIONAL
            if isinstance(field.type, str):
                added.type, added.type_name = _Described.TYPE_MESSAGE, f".{package}.{field.type}"
            else:
                added.type = field.type
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return [
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in names
    ]
