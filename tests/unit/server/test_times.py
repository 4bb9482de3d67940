"""Durations and timestamps as Prometheus writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerapp.server.times import format_duration, parse_duration, rfc3339


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("1d12h", 129600),
        ("250ms", 0.25),
        ("1y2w", 32745600),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "1m1h", "1.5h", "5min", "300y"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_duration_that_is_written_reads_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.75, "750ms"),
        (5400, "1h30m"),
        (86400, "1d"),
        (129600, "1d12h"),
        (604800, "1w"),
        (691200, "8d"),
        (365 * 86400, "1y"),
    ],
)
def test_durations_are_written_as_prometheus_writes_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "0001-01-01T00:00:00Z"),
        (0, "1970-01-01T00:00:00Z"),
        (1_600_000_000.25, "2020-09-13T12:26:40.25Z"),
    ],
)
def test_timestamps_are_rfc_3339_in_utc(seconds: float | None, text: str) -> None:
    assert rfc3339(seconds) == text
