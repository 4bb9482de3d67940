"""The background sender: what is delivered, what is dropped and counted, and how long the end may take."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Sequence

import pytest

from accelerapp.monitoring import MetricsCollector
from accelerapp.observability.shipping import Failure, QueueLimits, Shipper, is_shipping_thread

REFUSED = Failure("connection refused", transient=True)


class Sender:
    """Keeps batches; fails while `failure` is set, or as often as `failures` says; holds while `gate` is closed."""

    target = "somewhere"

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failure: Failure | None = None
        self.failures: list[Failure] = []
        self.attempts: list[float] = []
        self.gate = threading.Event()
        self.gate.set()
        self.busy = threading.Event()
        self.closed = threading.Event()
        self.in_shipping_thread = False

    def send(self, batch: Sequence[int]) -> Failure | None:
        self.attempts.append(time.monotonic())
        self.in_shipping_thread = is_shipping_thread()
        self.busy.set()
        self.gate.wait(30)
        failure = self.failures.pop(0) if self.failures else self.failure
        if failure is None:
            self.batches.append(list(batch))
        return failure

    def close(self) -> None:
        self.closed.set()

    @property
    def items(self) -> list[int]:
        return [item for batch in self.batches for item in batch]


@pytest.fixture
def metrics() -> MetricsCollector:
    return MetricsCollector()


def dropped(metrics: MetricsCollector, reason: str) -> float:
    counter = metrics.counter("telemetry_dropped_total", labelnames=("signal", "reason"))
    return counter.labels(signal="traces", reason=reason).get()


def test_items_arrive_in_order_and_in_batches(metrics: MetricsCollector) -> None:
    sender = Sender()
    shipper = Shipper("traces", sender, metrics, QueueLimits(1000, 10, 60))
    for number in range(35):
        shipper.put(number)
    assert shipper.flush(10)
    assert sender.items == list(range(35))
    assert max(len(batch) for batch in sender.batches) == 10
    assert sender.in_shipping_thread
    assert not is_shipping_thread()
    shipper.shutdown(1)
    assert sender.closed.is_set()


def test_a_full_batch_is_sent_without_waiting_for_the_delay(metrics: MetricsCollector) -> None:
    sender = Sender()
    shipper = Shipper("traces", sender, metrics, QueueLimits(1000, 3, 3600))
    for number in range(3):
        shipper.put(number)
    assert sender.busy.wait(10)
    shipper.shutdown(1)


def test_a_full_queue_drops_and_counts_and_never_blocks(metrics: MetricsCollector) -> None:
    sender = Sender()
    sender.gate.clear()
    shipper = Shipper("traces", sender, metrics, QueueLimits(5, 1, 60))
    shipper.put(0)
    assert sender.busy.wait(10)
    for number in range(1, 9):
        shipper.put(number)
    assert dropped(metrics, "queue_full") == 3
    sender.gate.set()
    assert shipper.flush(10)
    assert sender.items == [0, 1, 2, 3, 4, 5]
    shipper.shutdown(1)


def test_an_outage_is_said_once_counted_and_said_to_be_over(
    metrics: MetricsCollector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "accelerapp.observability")
    sender = Sender()
    sender.failure = REFUSED
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 1, 60, patience=0))
    for number in range(3):
        shipper.put(number)
    assert shipper.flush(10)
    sender.failure = None
    shipper.put(3)
    assert shipper.flush(10)
    shipper.shutdown(1)
    assert dropped(metrics, "export_failed") == 3
    assert sender.items == [3]
    assert [record.getMessage() for record in caplog.records] == [
        (
            "cannot send traces to somewhere: connection refused; what is given up until it works is counted in "
            "accelerapp_telemetry_dropped_total"
        ),
        "sending traces to somewhere again",
    ]


def test_a_batch_is_kept_while_its_receiver_is_away_and_those_behind_it_wait(
    metrics: MetricsCollector,
) -> None:
    sender = Sender()
    sender.failures = [REFUSED, REFUSED]
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 2, 60))
    for number in range(5):
        shipper.put(number)
    assert shipper.flush(30)
    assert sender.batches == [[0, 1], [2, 3], [4]]
    assert dropped(metrics, "export_failed") == 0
    shipper.shutdown(1)


def test_a_batch_is_tried_to_the_end_of_the_patience_and_then_given_up(metrics: MetricsCollector) -> None:
    sender = Sender()
    sender.failure = REFUSED
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 1, 60, patience=0.3))
    shipper.put(1)
    assert shipper.flush(30)
    assert len(sender.attempts) > 1
    assert sender.attempts[-1] - sender.attempts[0] >= 0.3
    assert dropped(metrics, "export_failed") == 1
    shipper.shutdown(1)


def test_what_is_refused_for_good_is_not_tried_again(metrics: MetricsCollector) -> None:
    sender = Sender()
    sender.failures = [Failure("too large")]
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 1, 60))
    shipper.put(1)
    shipper.put(2)
    assert shipper.flush(30)
    assert sender.items == [2]
    assert len(sender.attempts) == 2
    assert dropped(metrics, "rejected") == 1
    shipper.shutdown(1)


def test_a_receiver_that_asks_for_time_is_given_it(metrics: MetricsCollector) -> None:
    sender = Sender()
    sender.failures = [Failure("busy", transient=True, retry_after=1.0)]
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 1, 60))
    shipper.put(1)
    assert shipper.flush(30)
    assert sender.items == [1]
    # Without being asked it waits for three eighths of a second at most.
    assert sender.attempts[1] - sender.attempts[0] >= 1.0
    shipper.shutdown(1)


def test_a_receiver_that_asks_for_a_day_is_given_as_long_as_the_patience(metrics: MetricsCollector) -> None:
    sender = Sender()
    sender.failures = [Failure("busy", transient=True, retry_after=86_400.0)]
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 1, 60, patience=0.2))
    shipper.put(1)
    assert shipper.flush(30)
    assert sender.items == [1]
    shipper.shutdown(1)


def test_shutdown_ends_the_wait_for_the_next_attempt(metrics: MetricsCollector) -> None:
    sender = Sender()
    sender.failure = Failure("busy", transient=True, retry_after=3600)
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 2, 60, patience=3600))
    for number in range(3):
        shipper.put(number)
    assert sender.busy.wait(10)
    shipper.shutdown(0.1)
    assert dropped(metrics, "shutdown") == 3
    assert len(sender.attempts) == 1


def test_a_sender_that_raises_costs_only_the_batch(
    metrics: MetricsCollector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sender = Sender()

    def raises(batch: Sequence[int]) -> Failure | None:
        raise RuntimeError("broken")

    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 1, 60))
    with monkeypatch.context() as patch:
        patch.setattr(sender, "send", raises)
        shipper.put(1)
        assert shipper.flush(10)
    shipper.put(2)
    assert shipper.flush(10)
    shipper.shutdown(1)
    assert sender.items == [2]
    assert dropped(metrics, "rejected") == 1
    assert "RuntimeError: broken" in caplog.text


def test_shutdown_delivers_what_is_queued_and_refuses_more(metrics: MetricsCollector) -> None:
    sender = Sender()
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 50, 3600))
    for number in range(7):
        shipper.put(number)
    shipper.shutdown(10)
    shipper.shutdown(10)
    assert sender.items == list(range(7))
    shipper.put(8)
    assert dropped(metrics, "shutdown") == 1


def test_shutdown_gives_up_on_a_sender_that_hangs(metrics: MetricsCollector) -> None:
    sender = Sender()
    sender.gate.clear()
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 1, 60))
    for number in range(4):
        shipper.put(number)
    assert sender.busy.wait(10)
    began = time.monotonic()
    shipper.shutdown(0.1)
    assert time.monotonic() - began < 10
    assert dropped(metrics, "shutdown") == 3
    assert sender.closed.is_set()
    sender.gate.set()


def test_flush_that_takes_too_long_says_so(metrics: MetricsCollector) -> None:
    sender = Sender()
    sender.gate.clear()
    shipper = Shipper("traces", sender, metrics, QueueLimits(100, 1, 60))
    shipper.put(1)
    assert shipper.flush(0.05) is False
    sender.gate.set()
    assert shipper.flush(10) is True
    shipper.shutdown(1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_sends_its_own_items_only() -> None:
    program = """
        import os, threading
        from accelerapp.monitoring import MetricsCollector
        from accelerapp.observability.shipping import QueueLimits, Shipper

        sent, busy, gate = [], threading.Event(), threading.Event()

        class Sender:
            target = "somewhere"
            def send(self, batch):
                busy.set()
                gate.wait(30)
                sent.extend(batch)
            def close(self):
                pass

        shipper = Shipper("traces", Sender(), MetricsCollector(), QueueLimits(100, 1, 60))
        shipper.put(1)
        assert busy.wait(10)
        shipper.put(2)
        child = os.fork()
        gate.set()
        if child == 0:
            shipper.put(3)
            os._exit(0 if shipper.flush(10) and sent == [3] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert shipper.flush(10) and sent == [1, 2], sent
    """
    # Newer Pythons warn of any fork with threads; this is about what happens to those who do it.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(program)]
    subprocess.run(command, timeout=60, check=True)
