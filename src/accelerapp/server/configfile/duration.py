"""Durations as values of a file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from accelerapp.server.times import parse_duration


def _validate(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError("a duration is a text such as 30s or 5m; write a number with its unit")
    return parse_duration(value)


#: Seconds, written in a file as a Prometheus duration.
Duration = Annotated[float, BeforeValidator(_validate)]
