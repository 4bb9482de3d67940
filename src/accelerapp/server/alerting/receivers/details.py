"""Structures of templates: PagerDuty's details and a webhook's payload."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from accelerapp.server.alerting.templates import Templates


def prepared(value: Any, templates: Templates) -> Any:
    """Return a structure with each of its texts, keys among them, as a template; raises TemplateError."""
    if isinstance(value, dict):
        return {templates.text(key): prepared(item, templates) for key, item in value.items()}
    if isinstance(value, list):
        return [prepared(item, templates) for item in value]
    return templates.text(value) if isinstance(value, str) else value


def typed(text: str) -> Any:
    """Return what YAML 1.1 makes of a text: a number, a truth value or a structure of them, else the text itself.

    Alertmanager reads as much of a text as is YAML, and of a key that is there twice the latter: `[FIRING:1] A` becomes
    a list. Here such a text stays as it is, so that nothing of it is lost.
    """
    reader = YAML(typ="safe", pure=True)
    reader.version = "1.1"
    try:
        value = reader.load(text)
    except (YAMLError, ValueError, RecursionError):
        return text
    return text if isinstance(value, str) else _plain(value)


def _plain(value: Any) -> Any:
    """Leave out what JSON has no key for, as Alertmanager does."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if isinstance(key, str)}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
