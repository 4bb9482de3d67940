"""Patterns of log lines: what bodies have in common, how many have it, and the condition that a line is of one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import re2  # type: ignore[import-untyped]

from accelerapp.server.logs.drain import ANY, MASKS, REST, Drain, Group, masked
from accelerapp.server.signals import LogRecord
from accelerapp.server.storage import Condition
from accelerapp.server.storage.conditions import all_of
from accelerapp.server.storage.index import HasAll, HasWords
from accelerapp.server.storage.words import lowered
from accelerapp.server.storage.words import words as words_of

#: The columns of a pattern's course over time.
COLUMNS: Final = 30
#: Lines between two looks at the clock.
_LOOK = 256
_SPACE = r"[ \t\r\f\v]"
_PLACEHOLDER = re.compile("<(?:" + "|".join(MASKS) + ")>")
#: What a placeholder stands for; a line may also have the placeholder itself.
_STANDS_FOR = {f"<{name}>": f"(?:{expression}|<{name}>)" for name, (_, expression) in MASKS.items()}
#: A word; one that has a time may have a space.
_ANY_WORD = r"(?:[^ \t\r\f\v\n]+|[^ \t\r\f\v\n]*[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[^ \t\r\f\v\n]*)"


@dataclass(slots=True)
class Pattern:
    """What lines have in common; `example` is the first that was seen, `counts` its lines by time."""

    text: str
    example: LogRecord
    lines: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    services: Counter[str] = field(default_factory=Counter)
    counts: list[int] = field(default_factory=lambda: [0] * COLUMNS)
    #: Whether a line of the time before is of it.
    known: bool = False


@dataclass(frozen=True, slots=True)
class Mined:
    """The patterns of some lines, those with the most lines first; of so many `lines` and `earlier` ones."""

    patterns: list[Pattern]
    lines: int
    earlier: int


def mine(
    records: Sequence[LogRecord],
    earlier: Iterable[LogRecord],
    period_ns: tuple[int, int],
    out_of_time: Callable[[], bool],
) -> Mined:
    """Return the patterns of lines, and which of them lines of an earlier time have too.

    The courses over time divide `period_ns` into columns. Once `out_of_time` says so the rest is left out.
    """
    drain, start = Drain(), period_ns[0]
    found: dict[Group, Pattern] = {}
    width = max(1, -(-(period_ns[1] - start + 1) // COLUMNS))
    looked_at = seen_before = 0
    for looked_at, record in enumerate(records, 1):
        group = drain.add(masked(record.body))
        pattern = found.get(group)
        if pattern is None:
            pattern = found[group] = Pattern("", record)
        pattern.lines += 1
        pattern.levels[record.level] += 1
        pattern.services[record.service] += 1
        pattern.counts[min(max((record.time_ns - start) // width, 0), COLUMNS - 1)] += 1
        if looked_at % _LOOK == 0 and out_of_time():
            break
    for seen_before, record in enumerate(earlier, 1):
        known = drain.find(masked(record.body))
        if known in found:
            found[known].known = True
        if seen_before % _LOOK == 0 and out_of_time():
            break
    merged: dict[str, Pattern] = {}
    for group, pattern in found.items():
        pattern.text = str(group)
        _merge(merged.setdefault(pattern.text, pattern), pattern)
    patterns = sorted(merged.values(), key=lambda one: (-one.lines, one.text))
    return Mined(patterns, looked_at, seen_before)


def _merge(into: Pattern, other: Pattern) -> None:
    """Add the lines of a pattern to one that came to the same text."""
    if into is other:
        return
    into.lines += other.lines
    into.levels += other.levels
    into.services += other.services
    into.counts = [a + b for a, b in zip(into.counts, other.counts, strict=True)]
    into.known = into.known or other.known


def compile_pattern(text: str) -> Condition:
    """Return the condition that a line is of a pattern, given the pattern's text."""
    expressions, plain = [], []
    words = text.split(" ") if text else []
    rest = words[-1:] == [REST]
    for word in words[: len(words) - rest]:
        if word == ANY:
            expressions.append(_ANY_WORD)
            continue
        parts = _PLACEHOLDER.split(word)
        names = [_STANDS_FOR[name] for name in _PLACEHOLDER.findall(word)]
        expressions.append(
            "".join(re2.escape(part) + name for part, name in zip(parts, [*names, ""], strict=True))
        )
        if len(parts) == 1:
            plain += words_of(lowered(word))
    end = r"[\x00-\x{10ffff}]*" if rest else ""
    expression = f"{_SPACE}*" + f"{_SPACE}+".join(expressions) + (end or f"{_SPACE}*")
    longest = sorted(set(plain), key=len, reverse=True)[:4]
    # That most lines lack one of the words is seen much sooner than that the expression does not match.
    return all_of(
        [
            *(Condition("contains(lower(body), ?)", (one,)) for one in longest),
            Condition(
                "regexp_full_match(body, ?, 's')",
                (expression,),
                HasAll(tuple(HasWords("body", one) for one in longest)),
            ),
        ]
    )
