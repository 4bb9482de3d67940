"""Loads: requests that are ready, sent over several connections as fast as they are acknowledged."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.server import Served

CONNECTIONS = 4


@dataclass(frozen=True)
class Outcome:
    """What a load came to: items acknowledged and refused, the seconds it took, and what the server needed for it."""

    items: int
    refused: int
    seconds: float
    cpu_seconds: float
    resident_bytes: int

    @property
    def rate(self) -> float:
        return self.items / self.seconds

    @property
    def cpu_micros(self) -> float:
        """Microseconds of processor time that one item took."""
        return self.cpu_seconds / max(self.items, 1) * 1e6


def send(
    served: Served, port: str, path: str, bodies: Sequence[bytes], items: int, seconds: float
) -> Outcome:
    """Post bodies of so many items each, round and round, for some seconds; a request that is refused waits."""
    ends = time.monotonic() + seconds
    turn = itertools.count()
    taken, refused, most = [0] * CONNECTIONS, [0] * CONNECTIONS, [0]
    cpu = served.cpu_seconds()
    began = time.perf_counter()

    def work(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", served.ports[port], timeout=60)
        while time.monotonic() < ends:
            body = bodies[next(turn) % len(bodies)]
            connection.request("POST", path, body, {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                taken[number] += items
            else:
                refused[number] += items
                time.sleep(0.05)
        connection.close()

    def watch() -> None:
        while time.monotonic() < ends:
            most[0] = max(most[0], served.resident_bytes())
            time.sleep(0.25)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    threads.append(threading.Thread(target=watch))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = time.perf_counter() - began
    served.settle()  # what was acknowledged may still be decoded and sealed
    return Outcome(sum(taken), sum(refused), passed, served.cpu_seconds() - cpu, most[0])
