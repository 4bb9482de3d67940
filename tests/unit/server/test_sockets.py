"""Sockets that answer: what is written second does not wait for what was written first to be acknowledged."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from accelerapp.codegen.serve import bind
from accelerapp.server.serving import listen


@pytest.mark.parametrize("opened", [listen, bind])
def test_connections_send_what_is_written_at_once(opened: Callable[[str, int], socket.socket]) -> None:
    with opened("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
