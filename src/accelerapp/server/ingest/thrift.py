"""Structs in Thrift's binary protocol, read by their shapes and within bounds.

Libraries make an object for every struct that a list claims, whatever it holds: 4 KB of compressed zeros are two
gigabytes of spans. Here a struct without what it must have ends the reading.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_I16, _I32, _I64, _DOUBLE = (struct.Struct(f">{code}") for code in "hiqd")
_LIST_HEADER = struct.Struct(">bi")
_MAP_HEADER = struct.Struct(">bbi")
# Of what no shape names; it is only passed over, but that takes time too.
_DEEPEST_UNKNOWN = 16
_MOST_UNKNOWN = 100_000


class Type(enum.IntEnum):
    """The types that fields have on the wire."""

    STOP = 0
    BOOL = 2
    BYTE = 3
    DOUBLE = 4
    I16 = 6
    I32 = 8
    I64 = 10
    STRING = 11  # and binary
    STRUCT = 12
    MAP = 13
    SET = 14
    LIST = 15
    UUID = 16


_NUMBERS: dict[int, struct.Struct] = {
    Type.BOOL: struct.Struct(">?"),
    Type.BYTE: struct.Struct(">b"),
    Type.DOUBLE: _DOUBLE,
    Type.I16: _I16,
    Type.I32: _I32,
    Type.I64: _I64,
}
_STRING = int(Type.STRING)
_SIZES = {**{number: form.size for number, form in _NUMBERS.items()}, int(Type.UUID): 16}


class ThriftError(ValueError):
    """The bytes are not the struct that they should be."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct: a number, a string, or a STRUCT or a LIST of structs with their shape in `of`."""

    name: str
    type: Type
    of: Shape | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A struct's name and its fields by their number; those that it names not are passed over."""

    name: str
    fields: Mapping[int, Field]
    required: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "required", frozenset(f.name for f in self.fields.values() if f.required))


def read_struct(data: bytes, shape: Shape) -> dict[str, Any]:
    """Return the fields that a struct has, by name: numbers, bytes for strings, dictionaries for structs, lists.

    Raises ThriftError where it is cut, lacks a required field, or claims more than it has.
    """
    try:
        return _Reader(data).struct(shape)
    except (IndexError, struct.error):
        raise ThriftError(f"the {shape.name} ends too early") from None


def _too_long(size: int, left: int) -> ThriftError:
    return ThriftError(f"a length of {size} is claimed where {left} bytes are left")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._unknown = 0

    def struct(self, shape: Shape) -> dict[str, Any]:
        # Of a batch's fields most are numbers and strings: they are read without a call each.
        data, at, end = self._data, self._at, len(self._data)
        fields: dict[str, Any] = {}
        known, numbers = shape.fields, _NUMBERS
        while kind := data[at]:
            named = known.get(data[at + 1] << 8 | data[at + 2])
            at += 3
            if named is None or named.type != kind:
                self._at = at
                self._skip(kind, _DEEPEST_UNKNOWN)
                at = self._at
            elif kind == _STRING:
                (size,) = _I32.unpack_from(data, at)
                at += 4
                if not 0 <= size <= end - at:
                    raise _too_long(size, end - at)
                fields[named.name] = data[at : at + size]
                at += size
            elif form := numbers.get(kind):
                (fields[named.name],) = form.unpack_from(data, at)
                at += form.size
            else:
                assert named.of is not None
                self._at = at
                fields[named.name] = self.struct(named.of) if kind == Type.STRUCT else self._structs(named)
                at = self._at
        self._at = at + 1
        if missing := shape.required - fields.keys():
            raise ThriftError(f"a {shape.name} has no {min(missing)}")
        return fields

    def _structs(self, named: Field) -> list[dict[str, Any]]:
        kind, size = _LIST_HEADER.unpack_from(self._data, self._at)
        self._at += _LIST_HEADER.size
        if kind != Type.STRUCT and size:
            raise ThriftError(f"{named.name} is not a list of structs")
        self._check(size)
        shape = named.of
        assert shape is not None
        found = []
        for number in range(size):
            try:
                found.append(self.struct(shape))
            except ThriftError as error:
                raise ThriftError(f"{named.name} {number}: {error}") from None
        return found

    def _check(self, size: int) -> None:
        """Refuse a length beyond what is left; every element takes a byte at least."""
        if not 0 <= size <= len(self._data) - self._at:
            raise _too_long(size, len(self._data) - self._at)

    def _skip(self, kind: int, depth: int) -> None:
        if size := _SIZES.get(kind):
            self._at += size
            return
        self._unknown += 1
        if not depth or self._unknown > _MOST_UNKNOWN:
            raise ThriftError("unknown fields are nested too deeply, or are too many")
        if kind == _STRING:
            (size,) = _I32.unpack_from(self._data, self._at)
            self._at += _I32.size
            self._check(size)
            self._at += size
        elif kind == Type.STRUCT:
            while inner := self._data[self._at]:
                self._at += 3
                self._skip(inner, depth - 1)
            self._at += 1
        elif kind in (Type.LIST, Type.SET):
            inner, size = _LIST_HEADER.unpack_from(self._data, self._at)
            self._at += _LIST_HEADER.size
            self._skip_many((inner,), size, depth)
        elif kind == Type.MAP:
            key, value, size = _MAP_HEADER.unpack_from(self._data, self._at)
            self._at += _MAP_HEADER.size
            self._skip_many((key, value), size, depth)
        else:
            raise ThriftError(f"there is no type {kind}")

    def _skip_many(self, kinds: tuple[int, ...], count: int, depth: int) -> None:
        self._check(count)
        if all(kind in _SIZES for kind in kinds):
            self._at += count * sum(_SIZES[kind] for kind in kinds)
            return
        for _ in range(count):
            for kind in kinds:
                self._skip(kind, depth - 1)
