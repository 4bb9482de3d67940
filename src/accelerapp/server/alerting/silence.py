"""Silences: matchers that keep alerts quiet for a time, as Alertmanager keeps and changes them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from accelerapp.server.alerting.matchers import Matchers
from accelerapp.server.regex import InvalidPatternError, compile_re2
from accelerapp.server.signals import Labels, Matcher, MatchType
from accelerapp.server.storage.state import SilenceChange, StoredSilence, StoredSilences

#: How long a silence is kept after its end.
RETENTION: Final = 5 * 86400.0
MAX_SILENCES: Final = 10_000
MAX_BYTES: Final = 64 << 10


class SilenceError(Exception):
    """A silence cannot be made or changed; the message says why."""


class SilenceNotFoundError(SilenceError):
    """There is no silence with the id."""

    def __init__(self) -> None:
        super().__init__("silence not found")


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence with what it matches; times are Unix seconds."""

    stored: StoredSilence
    matchers: Matchers

    @classmethod
    def of(cls, stored: StoredSilence) -> Silence:
        return cls(stored, Matchers.of(stored.matchers))

    def state(self, now: float) -> str:
        """Return pending, active or expired."""
        if now < self.stored.starts_at:
            return "pending"
        return "active" if now < self.stored.ends_at else "expired"


class Silences:
    """All silences, kept in the state file; safe to call from any thread.

    `now` returns Unix seconds. A change waits for the disk, so it is made off the event loop.
    """

    def __init__(self, stored: StoredSilences, now: Callable[[], float]) -> None:
        self._stored = stored
        self._now = now
        self._lock = threading.Lock()
        #: Replaced as a whole with each change, so that other threads read it without the lock.
        self._silences = {one.id: Silence.of(one) for one in stored.load()}

    def all(self) -> list[Silence]:
        """Return the silences that have not been over for too long, in no order."""
        oldest = self._now() - RETENTION
        return [silence for silence in self._silences.values() if silence.stored.ends_at > oldest]

    def get(self, silence_id: str) -> Silence:
        """Return a silence; raises SilenceNotFoundError."""
        found = self._silences.get(silence_id)
        if found is None:
            raise SilenceNotFoundError
        return found

    def silenced_by(self, labels: Labels, now: float) -> list[str]:
        """Return the ids of the silences that keep an alert quiet at a time in Unix seconds."""
        return self.silencer(now)(labels)

    def silencer(self, now: float) -> Callable[[Labels], list[str]]:
        """Return the call that tells of many alerts what `silenced_by` tells of one."""
        active = [silence for silence in self._silences.values() if silence.state(now) == "active"]

        def silenced_by(labels: Labels) -> list[str]:
            own = dict(labels) if active else {}
            return [silence.stored.id for silence in active if silence.matchers.match(own)]

        return silenced_by

    def set(self, wanted: StoredSilence, client: str) -> str:
        """Make a silence, or change the one with its id, and return the id; raises SilenceError.

        What would change the past ends the silence and makes another. `client` is the address that asks, which is
        kept with the change.
        """
        with self._lock:
            now = self._now()
            _validate(wanted)
            self._drop_old(now)
            known = self._silences.get(wanted.id) if wanted.id else None
            if wanted.id and known is None:
                raise SilenceNotFoundError
            if known is not None and _can_change(known, wanted, now):
                self._save(replace(wanted, updated_at=now), "changed", client)
                return wanted.id
            if len(self._silences) >= MAX_SILENCES:
                raise SilenceError(
                    f"exceeded maximum number of silences: {len(self._silences)} (limit: {MAX_SILENCES})"
                )
            if known is not None and known.state(now) != "expired":
                self._expire(known, now, client)
            made = replace(wanted, id=str(uuid.uuid4()), starts_at=max(wanted.starts_at, now), updated_at=now)
            self._save(made, "created", client)
            return made.id

    def expire(self, silence_id: str, client: str) -> None:
        """End a silence now; one that has ended stays as it is. Raises SilenceNotFoundError."""
        with self._lock:
            now = self._now()
            known = self.get(silence_id)
            if known.state(now) != "expired":
                self._expire(known, now, client)

    def changes(self, since: float = 0.0) -> list[SilenceChange]:
        """Return who changed what from `since` (Unix seconds) on, the oldest first."""
        return self._stored.changes(since)

    def _expire(self, known: Silence, now: float, client: str) -> None:
        starts_at = min(known.stored.starts_at, now)
        ended = replace(known.stored, starts_at=starts_at, ends_at=now, updated_at=now)
        self._save(ended, "expired", client)

    def _save(self, silence: StoredSilence, action: str, client: str) -> None:
        change = SilenceChange(silence.updated_at, silence.id, action, silence.created_by, client)
        self._stored.save(silence, change)
        self._silences = {**self._silences, silence.id: Silence.of(silence)}

    def _drop_old(self, now: float) -> None:
        gone = [key for key, silence in self._silences.items() if silence.stored.ends_at <= now - RETENTION]
        if gone:
            self._stored.delete(gone)
            self._silences = {key: value for key, value in self._silences.items() if key not in gone}


def _can_change(known: Silence, wanted: StoredSilence, now: float) -> bool:
    """Tell whether a silence can become what is wanted without changing what has been silenced."""
    if known.stored.matchers != wanted.matchers:
        return False
    match known.state(now):
        case "active":
            return int(known.stored.starts_at) == int(wanted.starts_at) and wanted.ends_at >= now
        case "pending":
            return wanted.starts_at >= now
    return False


def _validate(silence: StoredSilence) -> None:
    if not silence.matchers:
        raise SilenceError("invalid silence: matcher set 0 is empty")
    for index, matcher in enumerate(silence.matchers):
        if not matcher.name:
            raise SilenceError(
                f'invalid silence: invalid label matcher {index} in set 0: invalid label name ""'
            )
        if matcher.type in (MatchType.REGEX, MatchType.NOT_REGEX):
            try:
                compile_re2(f"^(?:{matcher.value})$")
            except InvalidPatternError as error:
                raise SilenceError(
                    f"invalid silence: invalid label matcher {index} in set 0: "
                    f'invalid regular expression "{matcher.value}": {error}'
                ) from error
    if all(_matches_empty(matcher) for matcher in silence.matchers):
        raise SilenceError(
            "invalid silence: matcher set 0: at least one matcher must not match the empty string"
        )
    if silence.ends_at < silence.starts_at:
        raise SilenceError("invalid silence: end time must not be before start time")
    size = sum(len(text.encode()) for text in _texts(silence))
    if size > MAX_BYTES:
        raise SilenceError(f"silence exceeded maximum size: {size} bytes (limit: {MAX_BYTES} bytes)")


def _texts(silence: StoredSilence) -> Iterable[str]:
    yield silence.comment
    yield silence.created_by
    for matcher in silence.matchers:
        yield matcher.name
        yield matcher.value
    for name, value in silence.annotations:
        yield name
        yield value


def _matches_empty(matcher: Matcher) -> bool:
    if matcher.type is MatchType.EQUAL:
        return matcher.value == ""
    if matcher.type is MatchType.REGEX:
        return compile_re2(matcher.value).search("") is not None
    return False
