"""Numbers that no clock and no store has are told to be wrong, or mean the end of what there is."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from accelerapp.server.api.alertmanager_body import date_time, posted_alerts
from accelerapp.server.api.goparameters import GoValueError
from accelerapp.server.api.jaeger import read_tags
from accelerapp.server.api.parameters import ParameterError, nanoseconds, period_ns, timestamp


@pytest.mark.parametrize("text", ["1e308", "-1e300", "1e16", "inf", "nan"])
def test_a_time_beyond_every_clock_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match=f'cannot parse "{text}" to a valid timestamp'):
        timestamp(QueryParams({"time": text}), "time", 0.0)


@pytest.mark.parametrize(
    ("milliseconds", "wanted"),
    [(1.5, 1_500_000), (1e308, 2**63 - 1), (1e14, 2**63 - 1), (-1e308, 1 - 2**63)],
)
def test_nanoseconds_fit_the_store(milliseconds: float, wanted: int) -> None:
    assert nanoseconds(milliseconds) == wanted


def test_a_period_ends_where_the_store_does() -> None:
    assert period_ns(QueryParams({"start_ms": "-1e308", "end_ms": "1e308"})) == (0, 2**63 - 1)


def test_a_tag_that_is_a_number_of_too_many_digits_is_refused_as_others_are() -> None:
    with pytest.raises(GoValueError, match="malformed 'tags' parameter"):
        read_tags(f'{{"a": {"1" * 5000}}}')


def test_an_alert_may_end_with_the_last_year_of_any_zone_and_is_shown() -> None:
    alerts, _, _ = posted_alerts([{"labels": {"a": "b"}, "endsAt": "9999-12-31T23:59:59-14:00"}], 1.0, 1.0)
    assert date_time(alerts[0].ends_at) == "9999-12-31T23:59:59.000Z"
