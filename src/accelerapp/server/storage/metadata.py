"""What is known of metrics beside their samples: type, help and unit, in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from accelerapp.server.signals import Labels, Metadata

#: Metrics that are kept with what is known of them, those of every target counted.
_LIMIT = 200_000
_HELP_CHARACTERS = 4096


class MetricMetadata:
    """Metadata by the target that tells it, and of what was sent without a target.

    Kept in memory: targets and senders tell it again. Safe to call from any thread. `refused` counts the metrics whose
    metadata was not kept because `limit` are.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._targets: dict[Labels, dict[str, Metadata]] = {}
        self._sent: dict[str, dict[Metadata, None]] = {}
        self._interned: dict[Metadata, Metadata] = {}
        self._kept = 0
        self.refused = 0

    def of_target(self, target: Labels, metadata: Mapping[str, Metadata]) -> None:
        """Keep what a scraped target tells now in place of what it told; nothing ends the target."""
        with self._lock:
            self._kept -= len(self._targets.pop(target, ()))
            if not metadata:
                self._forget_unused()
                return
            kept = {
                name: self._intern(one)
                for name, one in list(metadata.items())[: max(0, self.limit - self._kept)]
            }
            self.refused += len(metadata) - len(kept)
            self._kept += len(kept)
            self._targets[target] = kept

    def sent(self, metadata: Mapping[str, Metadata]) -> None:
        """Keep what a sender told of its metrics, beside what others told of them."""
        with self._lock:
            for name, one in metadata.items():
                told = self._sent.get(name)
                if told is not None and one in told:
                    continue
                if self._kept >= self.limit:
                    self.refused += 1
                    continue
                self._sent.setdefault(name, {})[self._intern(one)] = None
                self._kept += 1

    def all(self) -> Mapping[str, Sequence[Metadata]]:
        """Return by metric every distinct thing that is known of it."""
        found: dict[str, dict[Metadata, None]] = {}
        with self._lock:
            for told in self._targets.values():
                for name, one in told.items():
                    found.setdefault(name, {})[one] = None
            for name, sent in self._sent.items():
                found.setdefault(name, {}).update(sent)
        return {name: tuple(found[name]) for name in sorted(found)}

    def of_targets(self) -> Mapping[Labels, Mapping[str, Metadata]]:
        """Return by the labels of each scraped target what it tells of its metrics."""
        with self._lock:
            return {target: dict(told) for target, told in self._targets.items()}

    def _intern(self, one: Metadata) -> Metadata:
        if len(one.help) > _HELP_CHARACTERS:
            one = Metadata(one.type, one.help[:_HELP_CHARACTERS], one.unit)
        return self._interned.setdefault(one, one)

    def _forget_unused(self) -> None:
        used = [one for told in self._targets.values() for one in told.values()]
        used += [one for told in self._sent.values() for one in told]
        self._interned = {one: one for one in used}
