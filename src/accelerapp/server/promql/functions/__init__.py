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

#: The functions that give a scalar; all others give an instant vector.
SCALAR_FUNCTIONS = frozenset({"pi", "scalar", "time"})

__all__ = ["FUNCTIONS", "SCALAR_FUNCTIONS", "Context", "Function"]
