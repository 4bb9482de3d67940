"""Configuration files: YAML read with positions into pydantic models, every problem named with its place."""

from __future__ import annotations

from accelerapp.server.configfile.document import Document, read
from accelerapp.server.configfile.duration import Duration
from accelerapp.server.configfile.errors import ConfigError, Problem
from accelerapp.server.configfile.model import (
    ConfigModel,
    RelativePath,
    Text,
    expand_globs,
    load,
    loads,
    read_secret,
    validate,
)
from accelerapp.server.configfile.written import written

__all__ = [
    "ConfigError",
    "ConfigModel",
    "Document",
    "Duration",
    "Problem",
    "RelativePath",
    "Text",
    "expand_globs",
    "load",
    "loads",
    "read",
    "read_secret",
    "validate",
    "written",
]
