"""Groups lines that differ in few words only, by the algorithm Drain.

Drain (He, Zhu, Zheng, Lyu, "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017) looks for a line's
group among those with as many words and the same first one. Where enough words are alike the line joins it, and the
words that differ become `<*>`; otherwise it founds a group. What is known to vary is masked before: numbers, ids,
addresses and times.
"""

from __future__ import annotations

import re
from operator import eq
from typing import Final

#: A word that differs between the lines of a group, and what follows the words that are looked at.
ANY: Final = "<*>"
REST: Final = "<rest>"
#: What is masked, by its name in a pattern: where it is found, and in RE2's syntax what a line may have there.
MASKS: Final = {
    "time": (
        (
            r"(?<!\w)[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
            r"(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
        ),
        r"[0-9T:.,Z+-]+(?: [0-9:.,Z+-]+)?",
    ),
    "uuid": (
        r"(?<!\w)[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}(?!\w)",
        r"[0-9a-fA-F-]{36}",
    ),
    "ip": (r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.]*\w)", r"[0-9]+(?:\.[0-9]+){3}"),
    "hex": (
        r"(?<!\w)(?:0x[0-9a-fA-F]+|(?=[0-9]*[a-fA-F])(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,})(?!\w)",
        r"(?:0x)?[0-9a-fA-F]+",
    ),
    "num": (
        r"(?<![\w.])[-+]?[0-9]+(?:\.[0-9]+)*(?=(?:[nmuµ]?s|m|h|d|[kKMGT]i?B|B)?(?!\w))",
        r"[-+]?[0-9]+(?:\.[0-9]+)*",
    ),
}

_MASKED = re.compile("|".join(f"(?P<{name}>{found})" for name, (found, _) in MASKS.items()), re.ASCII)
_WORDS = re.compile(r"[^ \t\r\f\v]+")
_DIGIT = re.compile(r"[0-9]")
_MOST_CHARACTERS = 512
#: Of two lines of a group so many words are the same.
_ALIKE = 0.5
#: First words of lines of one length that are told apart, and groups below one of them: there a line joins the nearest.
_MOST_FIRST_WORDS = 100
_MOST_GROUPS = 100


def masked(body: str) -> tuple[str, ...]:
    """Return the words of a body's first line, what is known to vary masked; `<rest>` stands for all that follows."""
    start, newline, _ = body[: _MOST_CHARACTERS + 1].partition("\n")
    cut = bool(newline) or len(start) > _MOST_CHARACTERS
    words = _WORDS.findall(_MASKED.sub(_name, start))
    if cut and not newline and words:
        words.pop()  # it may have gone on
    return (*words, REST) if cut else tuple(words)


def _name(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"


class Group:
    """Lines that have words in common; `words` has `<*>` where they differ."""

    __slots__ = ("words",)

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    def __str__(self) -> str:
        return " ".join(self.words)


class Drain:
    """The groups of the lines seen so far, which lines to come may still make more general."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Group] = {}
        self._below: dict[tuple[int, str], list[Group]] = {}
        self._first_words: dict[int, set[str]] = {}

    def add(self, words: tuple[str, ...]) -> Group:
        """Return the group that a line joins, given its masked words."""
        if words in self._known:
            return self._known[words]
        groups = self._below.setdefault((_length(words), self._first(words)), [])
        group = _nearest(groups, words, 0.0 if len(groups) >= _MOST_GROUPS else _ALIKE)
        if group is None:
            group = Group(words)
            groups.append(group)
        elif group.words != words:
            group.words = tuple(a if a == b else ANY for a, b in zip(group.words, words, strict=True))
        self._known[words] = group
        return group

    def find(self, words: tuple[str, ...]) -> Group | None:
        """Return the group that a line would join, without changing it; None where it would found one."""
        if words in self._known:
            return self._known[words]
        first = words[0] if words else ""
        groups = self._below.get((_length(words), first)) or self._below.get((_length(words), ANY), [])
        return _nearest(groups, words, _ALIKE)

    def _first(self, words: tuple[str, ...]) -> str:
        """Return the first word, by which groups are found, or `<*>` where it is none that lines have in common."""
        if not words:
            return ""
        if _DIGIT.search(words[0]):
            return ANY
        known = self._first_words.setdefault(len(words), set())
        if len(known) < _MOST_FIRST_WORDS:
            known.add(words[0])
        return words[0] if words[0] in known else ANY


def _length(words: tuple[str, ...]) -> int:
    """Return how many words there are, below zero where more follow: those never become one with a word."""
    return -len(words) if words[-1:] == (REST,) else len(words)


def _nearest(groups: list[Group], words: tuple[str, ...], alike: float) -> Group | None:
    """Return the group with the most words in common, if they are at least the part `alike` of all."""
    most, found = -1, None
    for group in groups:
        same = sum(map(eq, group.words, words))
        if same > most:
            most, found = same, group
    return found if found is not None and most >= alike * len(words) else None
