"""What can be built: the answer of GET /v1/platforms."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from accelerapp.codegen.boards import Board, Bus


class PlatformDescription(BaseModel):
    """A platform, and the boards that it runs on."""

    id: str
    name: str
    language: str
    boards: list[str]


class BusDescription(BaseModel):
    """A hardware bus; `pins` are those that each signal can be on, a signal without any can be on every output."""

    number: int
    pins: dict[str, list[int]]


class BoardDescription(BaseModel):
    """A board: its usable GPIO numbers and what they can do; `reserved` and `caution` say why not and how far."""

    id: str
    name: str
    pins: list[int]
    input_only: list[int]
    adc: list[int]
    reserved: dict[int, str]
    caution: dict[int, str]
    i2c: list[BusDescription]
    spi: list[BusDescription]
    uart: list[BusDescription]


class SensorDescription(BaseModel):
    """A kind of sensor, the type of peripheral that it needs, and what it measures."""

    kind: str
    peripheral: str
    quantities: list[str]


class PlatformsResponse(BaseModel):
    """Everything that a specification may name."""

    platforms: list[PlatformDescription]
    boards: list[BoardDescription]
    sensors: list[SensorDescription]


def describe_board(board: Board) -> BoardDescription:
    """Return what a client is told of a board."""
    return BoardDescription(
        id=board.id,
        name=board.name,
        pins=sorted(board.pins),
        input_only=sorted(board.input_only),
        adc=sorted(board.adc),
        reserved=dict(sorted(board.reserved.items())),
        caution=dict(sorted(board.caution.items())),
        i2c=_buses(board.i2c),
        spi=_buses(board.spi),
        uart=_buses(board.uart),
    )


def _buses(buses: Mapping[int, Bus]) -> list[BusDescription]:
    return [
        BusDescription(number=number, pins={signal: sorted(pins) for signal, pins in bus.pins.items()})
        for number, bus in sorted(buses.items())
    ]
