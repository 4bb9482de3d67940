"""PromQL: parse, print, rewrite and evaluate Prometheus' query language."""

from __future__ import annotations

from accelerapp.server.promql.annotation import Annotations
from accelerapp.server.promql.ast import (
    Aggregate,
    Binary,
    Boundary,
    Call,
    DurationExpr,
    Expr,
    MatrixSelector,
    NumberLiteral,
    Paren,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorMatching,
    VectorSelector,
    unwrap,
)
from accelerapp.server.promql.engine import Engine, QueryOptions
from accelerapp.server.promql.errors import (
    InvalidDurationError,
    PromQLError,
    QueryLimitError,
    QueryTimeoutError,
)
from accelerapp.server.promql.histogram import Histogram
from accelerapp.server.promql.literals import format_value, format_values
from accelerapp.server.promql.memory import MemoryReader
from accelerapp.server.promql.notation import parse_metric, parse_series, parse_values
from accelerapp.server.promql.parse import parse, parse_selector
from accelerapp.server.promql.pretty import pretty
from accelerapp.server.promql.traverse import rewrite, scale_time, walk
from accelerapp.server.promql.tree import to_json
from accelerapp.server.promql.typecheck import type_of
from accelerapp.server.promql.values import Matrix, MatrixSeries, Scalar, String, Value, Vector

__all__ = [
    "Aggregate",
    "Annotations",
    "Binary",
    "Boundary",
    "Call",
    "DurationExpr",
    "Engine",
    "Expr",
    "Histogram",
    "InvalidDurationError",
    "Matrix",
    "MatrixSelector",
    "MatrixSeries",
    "MemoryReader",
    "NumberLiteral",
    "Paren",
    "PromQLError",
    "QueryLimitError",
    "QueryOptions",
    "QueryTimeoutError",
    "Scalar",
    "String",
    "StringLiteral",
    "Subquery",
    "Unary",
    "Value",
    "ValueType",
    "Vector",
    "VectorMatching",
    "VectorSelector",
    "format_value",
    "format_values",
    "parse",
    "parse_metric",
    "parse_selector",
    "parse_series",
    "parse_values",
    "pretty",
    "rewrite",
    "scale_time",
    "to_json",
    "type_of",
    "unwrap",
    "walk",
]
