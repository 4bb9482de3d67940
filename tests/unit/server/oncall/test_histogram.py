"""The histogram behind an alert, whose observations are the requests that it is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerapp.server.oncall import WatchedHistogram, histogram_of, recording_rules
from accelerapp.server.promql import parse
from accelerapp.server.rules import load_rule_files

QUANTILE = "histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket{a!='1'}[5m])))"
X = WatchedHistogram("x_seconds", 'x_seconds_bucket{a!="1"}')
RULES = """
groups:
  - name: g
    rules:
      - {record: "x:p95", expr: "histogram_quantile(0.95, rate(x_seconds_bucket[5m]))"}
      - {record: "x:p95:worst", expr: "max(x:p95)"}
      - {record: "bad", labels: {slo: latency}, expr: "rate(x_seconds_bucket{le='0.5'}[5m]) / rate(y[5m])"}
      - {record: "bad", labels: {slo: errors}, expr: "rate(errors_total[5m])"}
      - {record: "loop", expr: "loop + loop"}
"""


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        (QUANTILE, X),
        (f"max by (a) (({QUANTILE}))", X),
        (f"max_over_time({QUANTILE}[10m:1m] offset 1h)", X),
        (
            "histogram_quantile(0.5, rate(x_seconds[5m] offset 1d))",
            WatchedHistogram("x_seconds", "x_seconds"),
        ),
        (
            "sum(rate(x_sum{a='1'}[5m])) / sum(rate(x_count{a='1'}[5m]))",
            WatchedHistogram("x", '{__name__=~"x(_bucket)?",a="1"}'),
        ),
        (
            "rate(x_bucket{le='0.5',a='1'}[5m]) / rate(x_count[5m])",
            WatchedHistogram("x", 'x_bucket{a="1"}', 0.5),
        ),
        ("1 - histogram_fraction(0, 0.2, rate(x[5m]))", WatchedHistogram("x", "x", 0.2)),
        # Not in the unit of its observations, not of one histogram, or of none.
        (f"{QUANTILE} / 2", None),
        (f"sum({QUANTILE})", None),
        ("histogram_quantile(0.9, rate(a_bucket[5m]) + rate(b_bucket[5m]))", None),
        ("rate(x_bucket{le='+Inf'}[5m]) / rate(x_count[5m])", None),
        ("rate(x_bucket{le='1'}[5m]) + rate(x_bucket{le='2'}[5m])", None),
        ("rate(a_sum[5m]) / rate(b_count[5m])", None),
        ("rate(x_seconds_count[5m])", None),
        ("time() - x", None),
    ],
)
def test_histogram(expr: str, found: WatchedHistogram | None) -> None:
    assert histogram_of(parse(expr), {}) == found


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ("x:p95:worst", WatchedHistogram("x_seconds", "x_seconds_bucket")),
        ("bad{slo='latency'}", WatchedHistogram("x_seconds", "x_seconds_bucket", 0.5)),
        ("bad{slo!='errors'}", WatchedHistogram("x_seconds", "x_seconds_bucket", 0.5)),
        # One of two that are recorded under the name.
        ("bad", None),
        ("loop", None),
    ],
)
def test_what_is_recorded_is_looked_through(
    tmp_path: Path, expr: str, found: WatchedHistogram | None
) -> None:
    (tmp_path / "rules.yml").write_text(RULES)
    groups = load_rule_files([tmp_path / "rules.yml"], default_interval_seconds=60)
    recorded = recording_rules(rule for group in groups for rule in group.rules)
    assert histogram_of(parse(expr), recorded) == found
