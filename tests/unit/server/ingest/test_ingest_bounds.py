"""What a target or sender may make the observatory remember, and what may hold up its event loop."""

from __future__ import annotations

import threading

import pytest

from accelerapp.server.ingest.exposition import ExpositionError, ExpositionParser
from accelerapp.server.signals import Labels, make_labels
from accelerapp.server.storage import Storage, StorageSettings


def test_types_that_a_target_declares_no_more_are_forgotten() -> None:
    parser = ExpositionParser(make_labels)
    for number in range(100):
        parser.parse(f"# TYPE metric_{number} counter\nmetric_{number} 1\n")
    assert len(parser._types) == 1


def test_series_of_expositions_that_are_all_refused_are_forgotten() -> None:
    parser = ExpositionParser(make_labels)
    for number in range(3000):
        with pytest.raises(ExpositionError):
            parser.parse(f"metric_{number} 1\nwrong\n")
    assert len(parser._known) <= 1001


async def test_many_samples_are_numbered_off_the_event_loop_within_the_limit(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = Storage.open(str(tmp_path), StorageSettings(max_series=1000, retention_seconds=0))
    threads: set[threading.Thread] = set()
    real_id = storage._registry.id

    def numbered(labels: Labels) -> int | None:
        threads.add(threading.current_thread())
        return real_id(labels)

    monkeypatch.setattr(storage._registry, "id", numbered)
    await storage.write_samples([(make_labels({"__name__": f"m{n}"}), 1, 1.0) for n in range(3000)])
    stats = storage.stats()
    await storage.close()
    assert threading.main_thread() not in threads
    assert (stats["series"], stats["samples_refused_series_limit"]) == (1000, 2000)
