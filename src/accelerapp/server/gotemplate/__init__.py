"""The language of Go's text/template, as far as rules and notifications use it."""

from __future__ import annotations

from accelerapp.server.gotemplate.builtins import Functions
from accelerapp.server.gotemplate.errors import TemplateError
from accelerapp.server.gotemplate.functions import (
    ALERTMANAGER_FUNCTIONS,
    ALERTMANAGER_UNSUPPORTED,
    PROMETHEUS_FUNCTIONS,
    PROMETHEUS_UNSUPPORTED,
)
from accelerapp.server.gotemplate.template import Template, literal, parse
from accelerapp.server.gotemplate.values import Struct

__all__ = [
    "ALERTMANAGER_FUNCTIONS",
    "ALERTMANAGER_UNSUPPORTED",
    "PROMETHEUS_FUNCTIONS",
    "PROMETHEUS_UNSUPPORTED",
    "Functions",
    "Struct",
    "Template",
    "TemplateError",
    "literal",
    "parse",
]
