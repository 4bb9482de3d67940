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


def value_json(value: Value) -> dict[str, Any]:
    """Return a query's result in the form of the API, for orjson: values as text, times as Unix seconds."""
    match value:
        case Scalar():
            return {"resultType": "scalar", "result": [value.time, format_value(value.value)]}
        case String():
            return {"resultType": "string", "result": [value.time, value.value]}
        case Vector():
            result = [
                {"metric": dict(labels), "value": [value.time, format_value(float(v))]}
                for labels, v in zip(value.labels, value.values, strict=True)
            ]
            for index, histogram in value.histograms.items():
                metric = result[index]["metric"]
                result[index] = {"metric": metric, "histogram": [value.time, histogram_json(histogram)]}
            return {"resultType": "vector", "result": result}
        case Matrix():
            return {
                "resultType": "matrix",
                # Encoded one by one: the points of all series as objects would take ten times their text.
                "result": [orjson.Fragment(orjson.dumps(_series_json(series))) for series in value.series],
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
