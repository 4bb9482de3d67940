"""Which texts of an alertmanager.yml are secrets."""

from __future__ import annotations

from typing import Final

_KEYS: Final = frozenset(
    {
        *("api_url", "app_token", "auth_password", "auth_secret", "bearer_token", "credentials", "key"),
        *("password", "routing_key", "secrets", "service_key", "slack_api_url", "slack_app_token"),
        *("smtp_auth_password", "smtp_auth_secret"),
    }
)


def is_secret(keys: tuple[str, ...]) -> bool:
    """Tell whether the text that these keys lead to is a secret."""
    return keys[-2:] == ("webhook_configs", "url") or not _KEYS.isdisjoint(keys[-1:])
