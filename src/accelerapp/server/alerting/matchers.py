"""Matchers as alertmanager.yml writes them: classic `name="value"` and with quoted UTF-8 names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accelerapp.server.quoting import quote, unquote
from accelerapp.server.regex import InvalidPatternError, compile_re2
from accelerapp.server.signals import Matcher, MatchType

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_MATCHER: Final = re.compile(
    rf"""\s*(?P<name>{_QUOTED}|[^\s{{}}!=~,"'`\\]+)
    \s*(?P<operator>=~|!~|!=|=)
    \s*(?P<value>{_QUOTED}|[^\s{{}},"][^{{}},"]*)?\s*""",
    re.VERBOSE | re.DOTALL,
)
_CLASSIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_RESERVED: Final = re.compile(r"""[\s{}!=~,\\"'`]""")
_CLASSIC_ESCAPE: Final = re.compile(r'\\([n"\\])')
_ORDER: Final = {kind: place for place, kind in enumerate(MatchType)}


def parse_matchers(text: str) -> list[Matcher]:
    """Read one matcher, or several, which may be between braces: `severity=~"critical|high"`, `{a="1", b!="2"}`.

    As in Alertmanager, escapes are the classic ones (`\\`, `\"` and `\n`; any other backslash stands for itself), but
    Go's where a label's name needs UTF-8. Unbalanced braces, which it passes over, are refused. Raises ValueError.
    """
    body = text.strip()
    if body.startswith("{") != body.endswith("}"):
        raise ValueError(f"{text!r}: a brace is missing; write both, or none")
    if body.startswith("{"):
        body = body[1:-1].strip()
    found: list[re.Match[str]] = []
    position = 0
    while position < len(body):
        match = _MATCHER.match(body, position)
        if match is None:
            raise ValueError(f'{text!r} is not a matcher; write name="value" with one of = != =~ !~')
        found.append(match)
        position = match.end()
        if position < len(body):
            if body[position] != ",":
                raise ValueError(f"{text!r}: unexpected {body[position]!r}; separate matchers by commas")
            position = len(body) if not body[position + 1 :].strip() else position + 1
    classic = all(_CLASSIC_NAME.fullmatch(match["name"]) for match in found)
    value_of = _classic_value if classic else _utf8_text
    return [
        make_matcher(_utf8_text(match["name"]), match["operator"], value_of((match["value"] or "").rstrip()))
        for match in found
    ]


def _classic_value(text: str) -> str:
    body = text[1:-1] if text.startswith('"') else text
    return _CLASSIC_ESCAPE.sub(lambda escape: "\n" if escape.group(1) == "n" else escape.group(1), body)


def _utf8_text(text: str) -> str:
    if text.startswith('"'):
        return unquote(text)
    if not text or _RESERVED.search(text):
        raise ValueError(f"{text!r} must be in double quotes, since a label's name is in UTF-8")
    return text


def make_matcher(name: str, operator: str, value: str) -> Matcher:
    """Make a matcher and check its regular expression; raises ValueError."""
    matcher = Matcher(name, MatchType(operator), value)
    if matcher.type in (MatchType.REGEX, MatchType.NOT_REGEX):
        _compile(value)
    return matcher


def _compile(pattern: str) -> Any:
    try:
        return compile_re2(f"^(?:{pattern})$")
    except InvalidPatternError as error:
        raise ValueError(f"the pattern {pattern!r} is not valid RE2: {error}; correct it") from error


@dataclass(frozen=True, slots=True)
class Matchers:
    """A conjunction of matchers; an absent label matches as the empty text."""

    matchers: tuple[Matcher, ...]
    _compiled: tuple[Any, ...]

    @classmethod
    def of(cls, matchers: Sequence[Matcher]) -> Matchers:
        ordered = tuple(sorted(matchers, key=lambda m: (m.name, m.value, _ORDER[m.type])))
        regular = (MatchType.REGEX, MatchType.NOT_REGEX)
        return cls(ordered, tuple(_compile(m.value) if m.type in regular else None for m in ordered))

    def match(self, labels: Mapping[str, str]) -> bool:
        for matcher, compiled in zip(self.matchers, self._compiled, strict=True):
            value = labels.get(matcher.name, "")
            found = value == matcher.value if compiled is None else compiled.match(value) is not None
            if found != (matcher.type in (MatchType.EQUAL, MatchType.REGEX)):
                return False
        return True

    def __str__(self) -> str:
        return "{" + ",".join(_written(matcher) for matcher in self.matchers) + "}"


def _written(matcher: Matcher) -> str:
    if _RESERVED.search(matcher.name):
        return f"{quote(matcher.name)}{matcher.type}{quote(matcher.value)}"
    return str(matcher)
