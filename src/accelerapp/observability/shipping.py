"""Sending in the background: a bounded queue, one thread, batches that are tried again, and a bounded end."""

from __future__ import annotations

import collections
import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from accelerapp.monitoring import Counter, MetricsCollector

T = TypeVar("T")
Item = TypeVar("Item", contravariant=True)

#: Seconds between two attempts to send a batch: at first, and at most.
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0

_logger = logging.getLogger("accelerapp.observability")
_shipping = threading.local()


def is_shipping_thread() -> bool:
    """Tell whether this thread sends telemetry: what it logs or traces must not be sent in its turn."""
    return getattr(_shipping, "active", False)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a batch could not be delivered; `retry_after` is how long the receiver asks to be left alone, in seconds."""

    reason: str
    transient: bool = False
    retry_after: float | None = None


class Sender(Protocol[Item]):
    """Delivers one batch at a time, from the shipper's thread."""

    target: str

    def send(self, batch: Sequence[Item]) -> Failure | None:
        """Deliver a batch; return None, or why it could not be delivered. What is transient is tried again."""

    def close(self) -> None:
        """Let go of connections and end a `send` that is waiting; called from another thread."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Sizes in items, times in seconds; sizes and delay are by default those of OpenTelemetry's batch processors.

    `patience` is how long a batch is tried again, from its first attempt on, before it is given up.
    """

    queue_size: int = 2048
    batch_size: int = 512
    delay: float = 1.0
    patience: float = 60.0


def dropped_counter(metrics: MetricsCollector) -> Counter:
    """Return the counter of telemetry that was given up."""
    return metrics.counter(
        "telemetry_dropped_total",
        "Spans and log records that could not be delivered and were given up.",
        ("signal", "reason"),
    )


class Shipper(Generic[T]):
    """Takes items without ever blocking or raising, and delivers them in batches.

    A batch whose receiver is away is tried again, with growing pauses, while others wait in the queue. What does
    not fit the queue (queue_full), is refused for good (rejected), could not be delivered for as long as it is
    tried (export_failed) or is left at the end (shutdown) is dropped and counted in
    `accelerapp_telemetry_dropped_total{signal, reason}`. An outage is logged once when it begins and once when
    it ends.
    """

    def __init__(
        self,
        signal: str,
        sender: Sender[T],
        metrics: MetricsCollector,
        limits: QueueLimits | None = None,
    ) -> None:
        self.signal = signal
        self._sender = sender
        self._limits = limits or QueueLimits()
        dropped = dropped_counter(metrics)
        self._dropped = {
            reason: dropped.labels(signal=signal, reason=reason)
            for reason in ("queue_full", "rejected", "export_failed", "shutdown")
        }
        self._failing = False
        self._closed = False
        self._start()
        if hasattr(os, "register_at_fork"):
            restart = weakref.WeakMethod(self._start)
            os.register_at_fork(after_in_child=lambda: _call_if_alive(restart))

    def _start(self) -> None:
        """Begin with an empty queue; in a forked child too, for the parent's thread sends the parent's."""
        self._queue: collections.deque[T] = collections.deque()
        self._changed = threading.Condition()
        self._taken_in = 0
        self._settled = 0
        self._flush_asked = False
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"accelerapp-{self.signal}", daemon=True)
        if not self._closed:
            self._thread.start()

    def put(self, item: T) -> None:
        """Queue one item."""
        with self._changed:
            if self._closed:
                reason = "shutdown"
            elif len(self._queue) >= self._limits.queue_size:
                reason = "queue_full"
            else:
                self._queue.append(item)
                self._taken_in += 1
                if len(self._queue) >= self._limits.batch_size:
                    self._changed.notify_all()
                return
        self._dropped[reason].inc()

    def flush(self, timeout: float) -> bool:
        """Wait until all that is queued now is delivered or given up; False after `timeout` seconds."""
        with self._changed:
            goal = self._taken_in
            self._flush_asked = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= goal, timeout)

    def shutdown(self, timeout: float) -> None:
        """Deliver what is queued, taking at most about `timeout` seconds; further items are dropped."""
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout)
        with self._changed:
            left = len(self._queue)
            self._queue.clear()
        if left:
            self._dropped["shutdown"].inc(left)
        # Ends the wait for the next attempt; a send that is stuck in the network is a daemon thread's.
        self._abandoned.set()
        self._sender.close()
        self._thread.join(0.2)

    def _run(self) -> None:
        _shipping.active = True
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or self._flush_asked or len(self._queue) >= self._limits.batch_size,
                    self._limits.delay,
                )
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._limits.batch_size))]
                if not batch:
                    self._flush_asked = False
                    if self._closed:
                        return
                    continue
            self._deliver(batch)
            with self._changed:
                self._settled += len(batch)
                self._changed.notify_all()

    def _deliver(self, batch: list[T]) -> None:
        """Send a batch until it is taken, refused, or has been tried for long enough."""
        deadline = time.monotonic() + self._limits.patience
        pause = _FIRST_PAUSE
        while (failure := self._attempt(batch)) is not None:
            if not failure.transient:
                self._dropped["rejected"].inc(len(batch))
                return
            left = within(deadline)
            if not left:
                self._dropped["export_failed"].inc(len(batch))
                return
            jittered = pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads attempts, guards nothing
            wait = min(jittered, left)
            if failure.retry_after is not None:
                # To the end, even beyond the patience: who asks for rest gets it. But no receiver may ask for a day.
                wait = max(wait, min(failure.retry_after, self._limits.patience))
            if self._abandoned.wait(wait):
                self._dropped["shutdown"].inc(len(batch))
                return
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _attempt(self, batch: list[T]) -> Failure | None:
        try:
            failure = self._sender.send(batch)
        except Exception as exc:  # noqa: BLE001 - the host must not feel what its telemetry runs into
            failure = Failure(f"{type(exc).__name__}: {exc}")
        if failure is not None and not self._failing:
            _logger.warning(
                "cannot send %s to %s: %s; what is given up until it works is counted in "
                "accelerapp_telemetry_dropped_total",
                self.signal,
                self._sender.target,
                failure.reason,
            )
        elif failure is None and self._failing:
            _logger.info("sending %s to %s again", self.signal, self._sender.target)
        self._failing = failure is not None
        return failure


def _call_if_alive(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    function = method()
    if function is not None:
        function()


def within(deadline: float) -> float:
    """Return the seconds left until `deadline` on the monotonic clock, at least 0."""
    return max(0.0, deadline - time.monotonic())
