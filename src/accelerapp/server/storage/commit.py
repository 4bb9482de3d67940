"""Group commit: one thread journals everything that waits, with one sync, and then answers all who waited."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accelerapp.server.storage.contracts import StorageFullError
from accelerapp.server.storage.histograms import Histograms
from accelerapp.server.storage.journal import Entry, Journal
from accelerapp.server.storage.samples import Samples

logger = logging.getLogger(__name__)

_ENTRY_OVERHEAD = 256  # bytes of memory that an entry costs beside its payload


@dataclass(frozen=True, slots=True)
class Accepted:
    """An entry that is durable: its sequence number, and its samples where it has them decoded."""

    sequence: int
    entry: Entry
    samples: Samples | Histograms | None

    @property
    def cost(self) -> int:
        return cost(self.entry)


@dataclass(frozen=True, slots=True)
class _Waiting:
    entry: Entry
    samples: Samples | Histograms | None
    future: asyncio.Future[None]


def cost(entry: Entry) -> int:
    """Return the bytes for which an entry counts against the queue and the unsealed limit."""
    return len(entry.payload) + _ENTRY_OVERHEAD


class GroupCommit:
    """Journals entries in groups and hands them on.

    `durable` is called from the journal's thread, in the order of sequence numbers, before the senders are
    answered; `refused` likewise with the bytes of entries that could not be kept, whether or not their senders
    still wait.
    """

    def __init__(
        self,
        journal: Journal,
        durable: Callable[[Sequence[Accepted]], None],
        refused: Callable[[int], None],
    ) -> None:
        self._journal = journal
        self._durable = durable
        self._refused = refused
        self._condition = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="storage-journal", daemon=True)
        self._thread.start()

    async def append(self, entry: Entry, samples: Samples | Histograms | None = None) -> None:
        """Return once the entry is durable; raises StorageFullError where it cannot be, having kept nothing."""
        future = asyncio.get_running_loop().create_future()
        with self._condition:
            if self._closing:
                self._refused(cost(entry))
                raise StorageFullError("the storage is closing: send this again when it is back")
            self._waiting.append(_Waiting(entry, samples, future))
            self._condition.notify()
        await future

    def close(self) -> None:
        """Journal what waits and end the thread."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join()
        self._journal.close()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._closing:
                    self._condition.wait()
                group, self._waiting = self._waiting, []
            if not group:
                return
            self._commit(group)

    def _commit(self, group: list[_Waiting]) -> None:
        error: Exception | None = None
        try:
            sequences = self._journal.append([one.entry for one in group])
        except StorageFullError as full:
            error = full
        except Exception as failure:
            logger.exception("the journal could not be written")
            error = StorageFullError(f"the journal could not be written: {failure}")
        else:
            pairs = zip(sequences, group, strict=True)
            self._durable([Accepted(sequence, one.entry, one.samples) for sequence, one in pairs])
        if error is not None:
            self._refused(sum(cost(one.entry) for one in group))
        by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        for one in group:
            by_loop.setdefault(one.future.get_loop(), []).append(one.future)
        for loop, futures in by_loop.items():
            try:
                loop.call_soon_threadsafe(_answer, futures, error)
            except RuntimeError:
                logger.warning("%d senders went away before they were answered", len(futures))


def _answer(futures: Sequence[asyncio.Future[None]], error: Exception | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
