"""Compressed bodies of several members: they are one body, however it comes, and are not worth any amount of work."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerapp.server.ingest.compression import BoundedBody, TooLargeError, decompressed


@given(members=st.lists(st.binary(max_size=50), min_size=1, max_size=40), data=st.data())
def test_members_are_one_body_however_they_come(members: list[bytes], data: st.DataObject) -> None:
    sent = b"".join(gzip.compress(member) for member in members)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=5)))
    body = BoundedBody(10_000, "gzip")
    for begin, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        body.add(sent[begin:end])
    assert body.finish() == b"".join(members)


def test_a_body_larger_than_a_piece_is_whole() -> None:
    content = bytes(range(256)) * 1000
    sent = gzip.compress(content, 0) + gzip.compress(content, 0)
    assert decompressed(sent, "gzip", 2 * len(content)) == 2 * content


def test_members_that_hold_nothing_are_not_worth_any_amount_of_work() -> None:
    assert decompressed(gzip.compress(b"") * 10_000, "gzip", 1000) == b""
    with pytest.raises(TooLargeError, match="more than 10000 members of gzip"):
        decompressed(gzip.compress(b"") * 100_000, "gzip", 1000)
