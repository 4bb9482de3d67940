"""Rules and groups as they are evaluated, made from what the files say."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from accelerapp.server.gotemplate import Template
from accelerapp.server.promql import Expr

#: The names under which a rule's templates find their data.
TEMPLATE_VARIABLES = ("labels", "externalLabels", "externalURL", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; seconds are effective ones, divided by the time factor, but for those `as_written`.

    `expr_text` is the expression as the file has it, `expr` what is evaluated; they differ where time is
    compressed. `key` names the rule in the state file.
    """

    name: str
    alerting: bool
    key: str
    expr_text: str
    expr: Expr
    for_seconds: float = 0.0
    for_seconds_as_written: float = 0.0
    keep_firing_for_seconds: float = 0.0
    keep_firing_for_seconds_as_written: float = 0.0
    labels: Mapping[str, Template]
    annotations: Mapping[str, Template]

    @property
    def query(self) -> str:
        """The expression that is evaluated, as text."""
        return str(self.expr)

    @property
    def title(self) -> str:
        """What the rule is about in one line, without the values that only an alert of it has."""
        template = self.annotations.get("summary") or self.annotations.get("description")
        return "" if template is None else template.outline()

    @property
    def label_texts(self) -> dict[str, str]:
        return {name: template.text for name, template in self.labels.items()}

    @property
    def annotation_texts(self) -> dict[str, str]:
        return {name: template.text for name, template in self.annotations.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated one after another at one interval; seconds are divided by `time_factor`."""

    name: str
    file: str
    interval_seconds: float
    interval_seconds_as_written: float
    query_offset_seconds: float
    limit: int
    rules: tuple[Rule, ...]
    time_factor: float

    @property
    def key(self) -> tuple[str, str]:
        """What tells the group from all others."""
        return self.file, self.name

    @property
    def offset_seconds(self) -> float:
        """A group's own place within its interval, so that not all groups are evaluated at once."""
        digest = hashlib.sha256(f"{self.file};{self.name}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 * self.interval_seconds

    def slot(self, now: float) -> int:
        """Return the number of the latest evaluation that is due by `now` (Unix seconds)."""
        return math.floor((now - self.offset_seconds) / self.interval_seconds)

    def slot_time(self, slot: int) -> float:
        """Return when an evaluation is due, in Unix seconds."""
        return self.offset_seconds + slot * self.interval_seconds
