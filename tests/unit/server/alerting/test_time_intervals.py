"""The table of time intervals, what is refused in one, and routes that are quiet by them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from accelerapp.server.alerting.timesettings import TimeIntervalSettings
from accelerapp.server.configfile import ConfigError, loads

TABLE = Path(__file__).parents[3] / "corpus" / "routing" / "tables" / "timeintervals.yml"
CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(TABLE)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_moments_are_in_the_interval_or_not(case: dict[str, Any]) -> None:
    interval = TimeIntervalSettings.model_validate(case["interval"]).interval()
    for wanted, moments in ((True, case["in"]), (False, case["out"])):
        for moment in moments:
            seconds = datetime.datetime.fromisoformat(moment).timestamp()
            assert interval.contains(seconds) is wanted, moment


def test_the_last_day_of_a_month_with_the_change_to_summer_time_is_its_last() -> None:
    interval = TimeIntervalSettings.model_validate({"days_of_month": ["-1"], "location": "Europe/Berlin"})
    seconds = datetime.datetime.fromisoformat("2026-03-31T12:00:00Z").timestamp()
    assert interval.interval().contains(seconds)
    assert not interval.interval().contains(seconds - 86400)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "times: [{start_time: '8:00', end_time: '9:00'}]",
            r"times\[0\].start_time: '8:00' is no time of day",
        ),
        ("times: [{start_time: '24:01', end_time: '24:00'}]", "'24:01' is no time of day"),
        ("times: [{start_time: '22:00', end_time: '06:00'}]", "the time ends before it begins"),
        ("times: [{start_time: '22:00'}]", "end_time: this key is required"),
        ("weekdays: [mo]", "'mo' is no weekday"),
        ("weekdays: [1]", "'1' is no weekday"),
        ("weekdays: ['friday:monday']", "the range 'friday:monday' ends before it begins"),
        ("days_of_month: [0]", "a month has no day 0"),
        ("days_of_month: [32]", "'32' is no day of the month"),
        ("days_of_month: ['5:1']", "ends before it begins"),
        ("days_of_month: ['-5:5']", "ends before it begins"),
        ("days_of_month: ['28:-1']", "ends before it begins"),
        ("months: [13]", "'13' is no month"),
        ("months: ['may:march']", "ends before it begins"),
        ("years: ['2026:2025']", "ends before it begins"),
        ("years: ['2025:2026:2027']", "is no range"),
        ("location: Europe/Bärlin", "the location 'Europe/Bärlin' is not known"),
        ("location: ../etc/passwd", "is not known"),
        ("location: Europe", "is not known"),
    ],
)
def test_what_is_no_interval_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        loads(text, TimeIntervalSettings)


def test_local_is_the_time_zone_of_the_machine() -> None:
    hour = datetime.datetime.fromtimestamp(1_000_000_000).hour  # noqa: DTZ006 - the local zone is meant
    settings = {
        "times": [{"start_time": f"{hour:02}:00", "end_time": f"{hour + 1:02}:00"}],
        "location": "Local",
    }
    assert TimeIntervalSettings.model_validate(settings).interval().contains(1_000_000_000)
