"""PromQL's functions, one module a family."""

from __future__ import annotations

from accelerapp.server.promql.functions import (
    conversions,
    dates,
    elementwise,
    histograms,
    labels,
    over_time,
    presence,
    rates,
    regression,
)
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.promql.functions.native import over_windows

FUNCTIONS: dict[str, Function] = {
    **conversions.FUNCTIONS,
    **dates.FUNCTIONS,
    **elementwise.FUNCTIONS,
    **histograms.FUNCTIONS,
    **labels.FUNCTIONS,
    **over_time.FUNCTIONS,
    **presence.FUNCTIONS,
    **rates.FUNCTIONS,
    **regression.FUNCTIONS,
}

__all__ = ["FUNCTIONS", "Context", "Function", "over_windows"]
