"""The ports of the demo: free ones where asked for, and a taken one named with its option."""

from __future__ import annotations

import socket


class TakenPortError(Exception):
    """A port that the demo needs is in use."""


def claim(port: int, option: str) -> int:
    """Return `port`, or a free one for 0.

    Raises TakenPortError where something listens on it; the message names the option that changes it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise TakenPortError(
                f"port {port} is taken ({error.strerror}): choose another with {option}, 0 for any free one"
            ) from error
        free: int = probe.getsockname()[1]
        return free
