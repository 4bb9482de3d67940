"""The settings as they are in use: each with its value, its default, and where it is from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from accelerapp.server.api import Setting
from accelerapp.server.config import ENVIRONMENT_PREFIX, Settings


def settings_in_use(settings: Settings) -> tuple[Setting, ...]:
    """Return every setting in the order of their table."""
    return tuple(_settings(settings, _from_environment()))


def _settings(settings: Settings, environment: Settings | None) -> Iterator[Setting]:
    given = {name.upper() for name in os.environ}
    for name, field in Settings.model_fields.items():
        value, variable = getattr(settings, name), f"{ENVIRONMENT_PREFIX}{name.upper()}"
        extra = field.json_schema_extra
        source = "default"
        if name in settings.model_fields_set:
            same = environment is not None and getattr(environment, name) == value
            source = "environment" if variable in given and same else "option"
        yield Setting(
            name=name,
            variable=variable,
            value=_text(name, value),
            number=value if isinstance(value, int | float) else None,
            default=_text(name, field.get_default(call_default_factory=True, validated_data={})),
            unit=str(extra["unit"]) if isinstance(extra, dict) else "",
            description=field.description or "",
            source=source,
        )


def _from_environment() -> Settings | None:
    """Return the settings as the environment alone has them; None where it is wrong, which options then hid."""
    try:
        return Settings.model_validate({})
    except ValidationError:
        return None


def _text(name: str, value: Any) -> str:
    """Write a value as it can be given; what names and passwords a URL has is hidden."""
    if value is None:
        return "off" if name.endswith("_port") else ""
    if name.endswith("_url") and "@" in (parts := urlsplit(value)).netloc:
        host = parts.netloc.rpartition("@")[2]
        return str(parts._replace(netloc=f"<secret>@{host}").geturl())
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
