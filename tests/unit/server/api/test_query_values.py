"""Results of queries in JSON: as many series as were asked for, and no more of them encoded."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from accelerapp.server.api.prometheus import values
from accelerapp.server.api.prometheus.values import series_count, value_json
from accelerapp.server.promql import Matrix, MatrixSeries, Scalar, Value, Vector
from accelerapp.server.promql.histogram import Histogram, Side
from accelerapp.server.signals import make_labels

LABELS = [make_labels({"i": str(i)}) for i in range(3)]
HISTOGRAM = Histogram.of_sides(
    0, 4.0, 2.0, 0.0, 0.0, Side(np.array([1], dtype=np.int32), np.array([4.0])), Side.empty()
)
VECTOR = Vector(5.0, LABELS, np.array([1.0, 0.0, 3.0]), {1: HISTOGRAM, 2: HISTOGRAM})
MATRIX = Matrix([MatrixSeries(one, np.array([5000]), np.array([float(i)])) for i, one in enumerate(LABELS)])


def told(value: Value, limit: int) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = orjson.loads(orjson.dumps(value_json(value, limit)))["result"]
    return result


@pytest.mark.parametrize("value", [VECTOR, MATRIX])
@pytest.mark.parametrize(("limit", "count"), [(0, 3), (1, 1), (2, 2), (3, 3), (4, 3)])
def test_the_first_series_are_told(value: Value, limit: int, count: int) -> None:
    assert [one["metric"]["i"] for one in told(value, limit)] == ["0", "1", "2"][:count]
    assert series_count(value) == 3


def test_a_histogram_is_told_of_its_series() -> None:
    assert ["histogram" in one for one in told(VECTOR, 2)] == [False, True]
    assert told(VECTOR, 2)[1]["histogram"][1]["count"] == "4"


def test_what_is_left_out_is_not_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    encode = values._series_json

    def noting(series: MatrixSeries) -> dict[str, Any]:
        encoded.append(series)
        return encode(series)

    monkeypatch.setattr(values, "_series_json", noting)
    told(MATRIX, 2)
    assert len(encoded) == 2


def test_a_scalar_has_no_series() -> None:
    assert series_count(Scalar(5.0, 1.0)) == 0
    assert value_json(Scalar(5.0, 1.0), 1)["result"] == [5.0, "1"]
