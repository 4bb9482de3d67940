"""Log lines: their query language, parsed to a tree of our own and compiled for storage; fields; patterns."""

from __future__ import annotations

from accelerapp.server.logs.ast import Field, Match, Value
from accelerapp.server.logs.compile import compile_field, compile_query
from accelerapp.server.logs.errors import LogQueryError
from accelerapp.server.logs.parse import parse
from accelerapp.server.logs.patterns import Mined, Pattern, compile_pattern, mine
from accelerapp.server.logs.summary import FieldSummary, fields_of

__all__ = [
    "Field",
    "FieldSummary",
    "LogQueryError",
    "Match",
    "Mined",
    "Pattern",
    "Value",
    "compile_field",
    "compile_pattern",
    "compile_query",
    "fields_of",
    "mine",
    "parse",
]
