"""Audit events: log lines of one logger that say who changed what, in the words of the Elastic Common Schema."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal

from accelerapp.monitoring.logs import get_logger

#: The logger of every audit event, by which they are told from other lines.
AUDIT_LOGGER = "accelerapp.audit"

_logger = get_logger(AUDIT_LOGGER)


def audit(
    action: str,
    message: str,
    *,
    category: Literal["authentication", "configuration"] = "configuration",
    kind: Literal["access", "change", "info", "start"] = "change",
    outcome: Literal["success", "failure"] = "success",
    level: int = logging.INFO,
    fields: Mapping[str, Any] | None = None,
) -> None:
    """Log one audit event. For what changes state and for refusals, not for each request.

    Args:
        action: What was done, in a few words joined by hyphens: `event.action`.
        message: The same for people.
        category: `event.category`.
        kind: `event.type`.
        outcome: `event.outcome`.
        level: Of the line.
        fields: What else is known, such as the new values or `source.address`; never a secret.
    """
    _logger.log(
        level,
        "%s",
        message,
        extra={
            "extra_fields": {
                **(fields or {}),
                "event.kind": "event",
                "event.category": category,
                "event.type": kind,
                "event.action": action,
                "event.outcome": outcome,
            }
        },
    )
