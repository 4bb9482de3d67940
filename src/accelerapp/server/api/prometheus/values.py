"""Results of queries in the JSON of Prometheus' API: values as text, times as Unix seconds."""

from __future__ import annotations

from typing import Any

import orjson

from accelerapp.server.api.histogram import histogram_json
from accelerapp.server.promql import (
    Matrix,
    MatrixSeries,
    Scalar,
    String,
    Value,
    Vector,
    format_value,
    format_values,
)


def series_count(value: Value) -> int:
    """Return how many series a result has; a scalar or a string has none."""
    match value:
        case Vector():
            return len(value.labels)
        case Matrix():
            return len(value.series)
        case _:
            return 0


def value_json(value: Value, limit: int = 0) -> dict[str, Any]:
    """Return a query's result in the form of the API, for orjson: values as text, times as Unix seconds.

    Of vectors and matrices the first `limit` series are told, all where it is 0.
    """
    most = limit or None
    match value:
        case Scalar():
            return {"resultType": "scalar", "result": [value.time, format_value(value.value)]}
        case String():
            return {"resultType": "string", "result": [value.time, value.value]}
        case Vector():
            result = [
                {"metric": dict(labels), "value": [value.time, format_value(float(v))]}
                for labels, v in zip(value.labels[:most], value.values[:most], strict=True)
            ]
            for index, histogram in value.histograms.items():
                if index >= len(result):
                    continue
                metric = result[index]["metric"]
                result[index] = {"metric": metric, "histogram": [value.time, histogram_json(histogram)]}
            return {"resultType": "vector", "result": result}
        case Matrix():
            return {
                "resultType": "matrix",
                # Encoded one by one: the points of all series as objects would take ten times their text.
                "result": [
                    orjson.Fragment(orjson.dumps(_series_json(series))) for series in value.series[:most]
                ],
            }


def _series_json(series: MatrixSeries) -> dict[str, Any]:
    """Return a series with its values and its native histograms; what it has none of is left out."""
    answer: dict[str, Any] = {"metric": dict(series.labels)}
    if len(series.timestamps):
        times = (series.timestamps / 1000).tolist()
        answer["values"] = list(zip(times, format_values(series.values), strict=True))
    if series.histograms:
        answer["histograms"] = [[ms / 1000, histogram_json(one)] for ms, one in series.histograms]
    return answer
