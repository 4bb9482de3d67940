"""What the alerting side keeps in the state file, off the event loop: each call waits for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from accelerapp.server.alerting.notification_log import NotificationLog
from accelerapp.server.signals import Alert, Labels
from accelerapp.server.storage.state import LogEntry, Notification, State

P = ParamSpec("P")
T = TypeVar("T")


class Records:
    """Reads and writes on one thread, in the order in which it is asked.

    With `on_loop` everything happens at once on the event loop, for tests whose time passes only when they say so.
    """

    def __init__(self, state: State, *, on_loop: bool = False) -> None:
        self._alerts = state.alerts
        self._log = NotificationLog(state.notifications)
        self._thread = None if on_loop else ThreadPoolExecutor(1, thread_name_prefix="alert-records")

    def close(self) -> None:
        """End the thread when all that was asked for is done, and write what could not be written before."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
        self._log.write()

    def load_alerts(self) -> asyncio.Future[list[Alert]]:
        return self._run(self._alerts.load)

    def save_alerts(self, alerts: Sequence[Alert]) -> asyncio.Future[None]:
        """Keep alerts, each in place of an earlier one with the same labels."""
        return self._run(self._alerts.save, alerts)

    def delete_alerts(self, labels: Sequence[Labels]) -> asyncio.Future[None]:
        return self._run(self._alerts.delete, labels)

    def log_entry(self, group_key: str, receiver: str, now: float) -> asyncio.Future[LogEntry | None]:
        """Return what a receiver was last told about a group; `now` is Unix seconds."""
        return self._run(self._log.entry, group_key, receiver, now)

    def save_log_entry(
        self, group_key: str, receiver: str, entry: LogEntry, expires_at: float
    ) -> asyncio.Future[None]:
        """Note what a receiver was told, until `expires_at` (Unix seconds); in memory where it cannot be written."""
        return self._run(self._log.save, group_key, receiver, entry, expires_at)

    def add_notification(self, notification: Notification) -> asyncio.Future[None]:
        """Add to the history, once it can be written."""
        return self._run(self._log.add, notification)

    def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        if self._thread is not None:
            return asyncio.wrap_future(self._thread.submit(call, *args, **kwargs))
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            done.set_result(call(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - for whoever waits, as on the thread
            done.set_exception(error)
        return done
