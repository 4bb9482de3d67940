"""The traffic generator: people who ask for firmware, a few at a time."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

#: Requests a second; enough that the floor of ten requests in a window is passed in every window of the demo.
RATE = 6.0
_PEOPLE = 3
#: One request in this many asks for a board that does not exist: a client's mistake, which is not an error.
_MISTAKE_EVERY = 25
_MISTAKE = ("application/json", b'{"name": "counting-frame", "board": "abacus", "peripherals": []}')
_MEDIA_TYPES = {".json": "application/json", ".yaml": "application/yaml"}


@contextmanager
def traffic(url: str, specs: Path) -> Iterator[None]:
    """Send generation requests to the service at `url` until the block ends."""
    bodies = [
        (_MEDIA_TYPES[path.suffix], path.read_bytes())
        for path in sorted(specs.iterdir())
        if path.suffix in _MEDIA_TYPES
    ]
    if not bodies:
        raise FileNotFoundError(f"no specification ({', '.join(_MEDIA_TYPES)}) in {specs}")
    ended = threading.Event()
    people = [
        threading.Thread(target=_person, args=(url, bodies, ended, random.Random(seed)), daemon=True)  # noqa: S311 - traffic
        for seed in range(_PEOPLE)
    ]
    for person in people:
        person.start()
    try:
        yield
    finally:
        ended.set()
        for person in people:
            person.join(15)


def _person(url: str, bodies: list[tuple[str, bytes]], ended: threading.Event, chance: random.Random) -> None:
    with httpx.Client(base_url=url, timeout=10, trust_env=False) as client:
        while not ended.wait(chance.expovariate(RATE / _PEOPLE)):
            media_type, body = chance.choice(bodies)
            if chance.randrange(_MISTAKE_EVERY) == 0:
                media_type, body = _MISTAKE
            # What comes back is the service's to count; a lost connection must not end the traffic.
            with _ignoring_transport_errors():
                client.post("/v1/generate", content=body, headers={"Content-Type": media_type})


@contextmanager
def _ignoring_transport_errors() -> Iterator[None]:
    try:
        yield
    except httpx.TransportError:
        return
