"""Calendar functions of Unix times, in UTC: year, month, day_of_month, hour and so on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import Block, Floats, Ints
from accelerapp.server.promql.functions.context import Context, Function

_Dates = npt.NDArray[np.datetime64]


def _calendar(part: Callable[[_Dates], Ints]) -> Function:
    def evaluate(call: ast.Call, context: Context) -> Block:
        if call.args:
            block = context.vector(call.args[0])
            return Block(block.labels, _apply(part, block.values), block.present).without_name()
        values = _apply(part, context.times / 1000)[None, :]
        return Block([()], values, np.ones(values.shape, dtype=np.bool_))

    return evaluate


def _apply(part: Callable[[_Dates], Ints], seconds: Floats) -> Floats:
    """Take a part of times in Unix seconds; what is no time gives NaN.

    There Prometheus gives whatever its processor makes of an integer that overflows.
    """
    reachable = np.abs(seconds) < 1e11
    dates = np.where(reachable, seconds, 0.0).astype(np.int64).astype("datetime64[s]")
    return np.where(reachable, part(dates).astype(np.float64), np.nan)


def _since(dates: _Dates, larger: str, smaller: str) -> Ints:
    """Count the smaller units since the last whole larger one."""
    whole = dates.astype(f"datetime64[{larger}]").astype(f"datetime64[{smaller}]")
    since: Ints = (dates.astype(f"datetime64[{smaller}]") - whole).astype(np.int64)
    return since


def _year(dates: _Dates) -> Ints:
    years: Ints = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    return years


def _days_in_month(dates: _Dates) -> Ints:
    months = dates.astype("datetime64[M]")
    days: Ints = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    return days


FUNCTIONS: dict[str, Function] = {
    "day_of_month": _calendar(lambda dates: _since(dates, "M", "D") + 1),
    "day_of_week": _calendar(lambda dates: (dates.astype("datetime64[D]").astype(np.int64) + 4) % 7),
    "day_of_year": _calendar(lambda dates: _since(dates, "Y", "D") + 1),
    "days_in_month": _calendar(_days_in_month),
    "hour": _calendar(lambda dates: _since(dates, "D", "h")),
    "minute": _calendar(lambda dates: _since(dates, "h", "m")),
    "month": _calendar(lambda dates: _since(dates, "Y", "M") + 1),
    "year": _calendar(_year),
}
