"""The language of Go's text/template and html/template, as far as rules and notifications use it."""

from __future__ import annotations

from accelerapp.server.gotemplate.autoescape import escaped
from accelerapp.server.gotemplate.builtins import Functions
from accelerapp.server.gotemplate.errors import TemplateError
from accelerapp.server.gotemplate.functions import PROMETHEUS_FUNCTIONS, PROMETHEUS_UNSUPPORTED, sample
from accelerapp.server.gotemplate.moments import Duration, Time
from accelerapp.server.gotemplate.notification import (
    ALERTMANAGER_FUNCTIONS,
    ALERTMANAGER_UNSUPPORTED,
    json_value,
    notification_functions,
)
from accelerapp.server.gotemplate.template import Definition, Template, literal, parse
from accelerapp.server.gotemplate.values import Object, Struct

__all__ = [
    "ALERTMANAGER_FUNCTIONS",
    "ALERTMANAGER_UNSUPPORTED",
    "PROMETHEUS_FUNCTIONS",
    "PROMETHEUS_UNSUPPORTED",
    "Definition",
    "Duration",
    "Functions",
    "Object",
    "Struct",
    "Template",
    "TemplateError",
    "Time",
    "escaped",
    "json_value",
    "literal",
    "notification_functions",
    "parse",
    "sample",
]
