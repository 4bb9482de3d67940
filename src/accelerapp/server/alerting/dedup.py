"""Whether a receiver must be told about a group, by what it was told last."""

from __future__ import annotations

import enum

from accelerapp.server.storage.state import LogEntry


class Decision(enum.Enum):
    """Why a notification is sent or not; receivers are told it in Alertmanager's words."""

    FIRST = "first notification"
    NEW_FIRING = "new alerts added"
    ALL_RESOLVED = "all alerts resolved"
    NEW_RESOLVED = "some alerts resolved"
    REPEAT = "repeat interval elapsed"
    NOTHING_FIRING = "nothing fires and the receiver knows of nothing that did"
    UNCHANGED = "nothing has changed since the last notification"

    @property
    def sends(self) -> bool:
        return self not in (Decision.NOTHING_FIRING, Decision.UNCHANGED)


def decide(
    entry: LogEntry | None,
    firing: frozenset[str],
    resolved: frozenset[str],
    *,
    send_resolved: bool,
    repeat_interval: float,
    now: float,
) -> Decision:
    """Decide as Alertmanager's DedupStage does; `repeat_interval` in seconds, `now` Unix seconds.

    `firing` and `resolved` are the fingerprints in the group. That all have resolved counts even where the
    receiver is not told of resolutions, so that the log forgets the firing ones.
    """
    if entry is None:
        return Decision.FIRST if firing else Decision.NOTHING_FIRING
    if not firing <= entry.firing:
        return Decision.NEW_FIRING if entry.firing else Decision.FIRST
    if not firing:
        return Decision.ALL_RESOLVED if entry.firing else Decision.NOTHING_FIRING
    if send_resolved and not resolved <= entry.resolved:
        return Decision.NEW_RESOLVED
    return Decision.REPEAT if entry.at < now - repeat_interval else Decision.UNCHANGED
