"""Exemplars in memory: which are kept, which are refused, and how they are found."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from hypothesis import given
from hypothesis import strategies as st

from accelerapp.server.signals import Exemplar, Labels, Matcher, MatchType
from accelerapp.server.storage import Storage
from accelerapp.server.storage.exemplars import StoredExemplars

SHOP: Labels = (("__name__", "requests_total"), ("service", "shop"))
BANK: Labels = (("__name__", "requests_total"), ("service", "bank"))
EVER = (0, 2**62)


def exemplar(series: Labels, time_ms: int, value: float = 1.0, trace: str = "t") -> Exemplar:
    return Exemplar(series, (("trace_id", trace),), value, time_ms)


def test_what_was_written_is_found_by_series_and_time() -> None:
    store = StoredExemplars(10)
    written = [exemplar(SHOP, 1), exemplar(BANK, 2), exemplar(SHOP, 3)]
    assert store.add(written) == 3
    shop = [Matcher("service", MatchType.REGEX, "sh.p")]
    assert store.select(shop, *EVER) == [written[0], written[2]]
    assert store.select(shop, 2, 3) == [written[2]]
    assert store.select([Matcher("other", MatchType.EQUAL, "")], *EVER) == [
        written[1],
        written[0],
        written[2],
    ]
    assert store.select([Matcher("service", MatchType.NOT_EQUAL, "shop")], *EVER) == [written[1]]


def test_one_shown_again_is_kept_once_and_an_older_one_is_refused() -> None:
    store = StoredExemplars(10)
    assert store.add([exemplar(SHOP, 5), exemplar(SHOP, 5), exemplar(SHOP, 4)]) == 2
    assert (len(store), store.accepted, store.refused) == (1, 1, 1)


def test_labels_longer_than_openmetrics_allows_are_refused() -> None:
    store = StoredExemplars(10)
    fits, too_long = "x" * (128 - len("trace_id")), "x" * (129 - len("trace_id"))
    assert store.add([exemplar(SHOP, 1, trace=fits), exemplar(SHOP, 2, trace=too_long)]) == 1
    assert store.refused == 1


def test_a_limit_of_none_keeps_none() -> None:
    store = StoredExemplars(0)
    assert store.add([exemplar(SHOP, 1)]) == 0
    assert store.select([], *EVER) == []


@given(
    st.lists(st.tuples(st.sampled_from([SHOP, BANK]), st.integers(0, 3)), max_size=60),
    st.integers(1, 8),
)
def test_the_last_ones_of_all_series_are_kept_whatever_comes(
    steps: list[tuple[Labels, int]], limit: int
) -> None:
    store = StoredExemplars(limit)
    expected: deque[Exemplar] = deque(maxlen=limit)
    newest: dict[Labels, int] = {}
    for series, forward in steps:
        newest[series] = newest.get(series, 0) + forward + 1
        expected.append(exemplar(series, newest[series]))
        store.add([expected[-1]])
    assert sorted(store.select([], *EVER), key=repr) == sorted(expected, key=repr)


class OpenStorage(Protocol):
    def __call__(self) -> Storage: ...


async def test_storage_keeps_exemplars_and_counts_them(open_storage: OpenStorage) -> None:
    storage = open_storage()
    assert await storage.write_exemplars([exemplar(SHOP, 2), exemplar(SHOP, 1)]) == 1
    assert storage.exemplars.select([], *EVER) == [exemplar(SHOP, 2)]
    stats = storage.stats()
    assert (stats["exemplars"], stats["exemplars_accepted"], stats["exemplars_refused"]) == (1, 1, 1)
