"""The query language of log lines: parsed to a tree of our own, and compiled to what storage is asked."""

from __future__ import annotations

from accelerapp.server.logs.ast import Field, Match, Value
from accelerapp.server.logs.compile import compile_field, compile_query
from accelerapp.server.logs.errors import LogQueryError
from accelerapp.server.logs.parse import parse
from accelerapp.server.logs.summary import FieldSummary, fields_of

__all__ = [
    "Field",
    "FieldSummary",
    "LogQueryError",
    "Match",
    "Value",
    "compile_field",
    "compile_query",
    "fields_of",
    "parse",
]
