"""The address of a mail server."""

from __future__ import annotations

import re
from typing import Final

_ADDRESS: Final = re.compile(r"(?:\[([^\]]+)\]|([^:\[\]]*)):([0-9]{1,5})")


def smarthost(text: str) -> tuple[str, int]:
    """Split `host:port`, an IPv6 address in brackets; raises ValueError."""
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        raise ValueError(f"{text!r} is no address; write host:port, such as smtp.example.com:587")
    return found[1] or found[2] or "localhost", int(found[3])
