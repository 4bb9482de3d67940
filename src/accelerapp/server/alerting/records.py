"""What the alerting side keeps in the state file, off the event loop: each call waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from accelerapp.server.signals import Alert, Labels
from accelerapp.server.storage.state import LogEntry, Notification, State

P = ParamSpec("P")
T = TypeVar("T")


class Records:
    """Reads and writes on one thread, in the order in which it is asked.

    With `on_loop` everything happens at once on the event loop, for tests whose time passes only when they say so.
    """

    def __init__(self, state: State, *, on_loop: bool = False) -> None:
        self._state = state
        self._thread = None if on_loop else ThreadPoolExecutor(1, thread_name_prefix="alert-records")

    def close(self) -> None:
        """End the thread when all that was asked for is done."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    def load_alerts(self) -> asyncio.Future[list[Alert]]:
        return self._run(self._state.load_alerts)

    def save_alerts(self, alerts: Sequence[Alert]) -> asyncio.Future[None]:
        """Keep alerts, each in place of an earlier one with the same labels."""
        return self._run(self._state.save_alerts, alerts)

    def delete_alerts(self, labels: Sequence[Labels]) -> asyncio.Future[None]:
        return self._run(self._state.delete_alerts, labels)

    def log_entry(self, group_key: str, receiver: str, now: float) -> asyncio.Future[LogEntry | None]:
        """Return what a receiver was last told about a group; `now` is Unix seconds."""
        return self._run(self._state.log_entry, group_key, receiver, now)

    def save_log_entry(
        self, group_key: str, receiver: str, entry: LogEntry, expires_at: float
    ) -> asyncio.Future[None]:
        """Note what a receiver was told, until `expires_at` (Unix seconds)."""
        return self._run(self._state.save_log_entry, group_key, receiver, entry, expires_at)

    def add_notification(self, notification: Notification) -> asyncio.Future[None]:
        """Add to the history."""
        return self._run(self._state.add_notification, notification)

    def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        if self._thread is not None:
            return asyncio.wrap_future(self._thread.submit(call, *args, **kwargs))
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        done.set_result(call(*args, **kwargs))
        return done
