"""The last query that met a limit is kept, to be shown."""

from __future__ import annotations

import pytest

from accelerapp.server.promql import QueryLimitError, parse
from accelerapp.server.promql.limits import Refusals


def test_the_last_query_that_met_a_limit_is_kept_with_its_expression() -> None:
    now = iter((100.0, 200.0))
    refusals = Refusals(lambda: next(now))
    for name in ("first", "b" * 300):
        with pytest.raises(QueryLimitError), refusals.counted(parse(name)):
            raise QueryLimitError("too many")
    assert refusals.counts() == {"samples": 2, "timeout": 0}
    assert refusals.last() == {"samples": (200.0, "too many", "b" * 200 + "…")}
