"""How often receivers were told, and alerts kept quiet, since the start."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters by receiver and type of integration; a notification may take several requests."""

    notifications: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: By receiver, type and reason.
    failed: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    requests_failed: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Alerts by what kept them quiet: silence, inhibition, mute_time_interval or active_time_interval.
    suppressed: Counter[str] = field(default_factory=Counter)
