"""The identity of a set of labels, as Prometheus and Alertmanager compute it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from accelerapp.server.signals import Labels

_OFFSET: Final = 0xCBF29CE484222325
_PRIME: Final = 0x100000001B3
_MASK: Final = (1 << 64) - 1


# An alert is asked for its fingerprint at each flush and each answer, byte by byte.
@lru_cache(maxsize=1 << 14)
def fingerprint(labels: Labels) -> str:
    """Return FNV-1a of 64 bits over names and values, each followed by 0xff, as 16 hexadecimal digits."""
    state = _OFFSET
    for name, value in labels:
        for byte in name.encode() + b"\xff" + value.encode() + b"\xff":
            state = ((state ^ byte) * _PRIME) & _MASK
    return f"{state:016x}"
