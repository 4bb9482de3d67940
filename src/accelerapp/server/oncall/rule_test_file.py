"""What a file of rule tests may contain, as `promtool test rules` reads it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from accelerapp.server.configfile import ConfigModel, Duration, RelativePath, Text


def _refuse_histogram(value: object) -> object:
    raise ValueError("native histograms are not compared here; compare histogram_count or a quantile instead")


def _number(value: object) -> object:
    """Read a number as YAML writes it: what is not finite begins with a point."""
    text = str(value)
    return text.replace(".", "", 1) if _NOT_FINITE.fullmatch(text) else value


def _moment(value: object) -> float:
    text = str(value)
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is no time; write Unix seconds or RFC 3339")
    return moment.timestamp()


_NOT_FINITE: Final = re.compile(r"[+-]?\.(?:inf|Inf|INF|nan|NaN|NAN)")


class InputSeries(ConfigModel):
    series: Text
    values: Text = ""


class ExpectedAlert(ConfigModel):
    exp_labels: dict[str, Text] = Field(default_factory=dict)
    exp_annotations: dict[str, Text] = Field(default_factory=dict)


class AlertTest(ConfigModel):
    eval_time: Duration
    alertname: Text
    exp_alerts: list[ExpectedAlert] = Field(default_factory=list)


class ExpectedSample(ConfigModel):
    labels: Text = "{}"
    value: Annotated[float, BeforeValidator(_number)] = 0.0
    histogram: Annotated[Any, BeforeValidator(_refuse_histogram)] = None


class ExprTest(ConfigModel):
    expr: Text
    eval_time: Duration
    exp_samples: list[ExpectedSample] = Field(default_factory=list)


class TestGroup(ConfigModel):
    """One test: series, and what rules and expressions make of them; seconds."""

    __test__ = False  # no test of pytest's

    name: Text = ""
    interval: Duration | None = None
    input_series: list[InputSeries] = Field(default_factory=list)
    alert_rule_test: list[AlertTest] = Field(default_factory=list)
    promql_expr_test: list[ExprTest] = Field(default_factory=list)
    external_labels: dict[str, Text] = Field(default_factory=dict)
    external_url: Text = ""
    start_timestamp: Annotated[float, BeforeValidator(_moment)] = 0.0


class TestFile(ConfigModel):
    """A whole file; seconds."""

    __test__ = False  # no test of pytest's

    rule_files: list[RelativePath] = Field(default_factory=list)
    evaluation_interval: Duration = 60.0
    group_eval_order: list[Text] = Field(default_factory=list)
    fuzzy_compare: bool = False
    tests: list[TestGroup] = Field(default_factory=list)
