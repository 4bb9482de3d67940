"""Relabelling: rules that change the labels of a target or of a sample, or drop it, as in Prometheus."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from accelerapp.server.configfile import ConfigModel, Text
from accelerapp.server.regex import InvalidPatternError, compile_re2

Action = Literal[
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
]
_WITH_TARGET = frozenset({"replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"})
_WITHOUT_REPLACEMENT = frozenset({"lowercase", "uppercase", "keepequal", "dropequal"})
_SEPARATOR, _REGEX, _REPLACEMENT = ";", "(.*)", "$1"
_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _pattern(text: str) -> str:
    try:
        compile_re2(text, dot_matches_newline=True)
    except InvalidPatternError as error:
        raise ValueError(f"the regular expression {text!r} is not valid: {error}") from error
    return text


class RelabelConfig(ConfigModel):
    """One rule; the regular expression is RE2 and matches the whole value."""

    source_labels: tuple[str, ...] = ()
    separator: Text = _SEPARATOR
    regex: Annotated[Text, AfterValidator(_pattern)] = _REGEX
    modulus: int = Field(default=0, ge=0)
    target_label: Text = ""
    replacement: Text = _REPLACEMENT
    action: Annotated[Action, BeforeValidator(_lower)] = "replace"

    @model_validator(mode="after")
    def _fits_its_action(self) -> RelabelConfig:
        action = self.action
        if action == "hashmod" and not self.modulus:
            raise ValueError("relabel configuration for hashmod requires non-zero modulus")
        if action in _WITH_TARGET and not self.target_label:
            raise ValueError(f"relabel configuration for {action} action requires 'target_label' value")
        if action in _WITHOUT_REPLACEMENT and self.replacement != _REPLACEMENT:
            raise ValueError(f"'replacement' can not be set for {action} action")
        if action == "labelmap" and not self.replacement:
            raise ValueError("'replacement' must not be empty for labelmap action")
        others = self.separator != _SEPARATOR or self.modulus or self.replacement != _REPLACEMENT
        if action in ("keepequal", "dropequal") and (others or self.regex != _REGEX):
            raise ValueError(
                f"{action} action requires only 'source_labels' and 'target_label', and no other fields"
            )
        if action in ("labeldrop", "labelkeep") and (others or self.source_labels or self.target_label):
            raise ValueError(f"{action} action requires only 'regex', and no other fields")
        return self


def relabel(rules: Sequence[RelabelConfig], labels: dict[str, str]) -> bool:
    """Apply rules in their order, changing the labels; tell whether to keep what has them."""
    return all(_APPLY[rule.action](rule, labels) for rule in rules)


def _value(rule: RelabelConfig, labels: dict[str, str]) -> str:
    return rule.separator.join([labels.get(name, "") for name in rule.source_labels])


def _match(rule: RelabelConfig, text: str) -> Any:
    return compile_re2(rule.regex, dot_matches_newline=True).fullmatch(text)


def _set(labels: dict[str, str], name: str, value: str) -> None:
    if value and name:
        labels[name] = value
    else:
        labels.pop(name, None)


def _replace(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    match = _match(rule, _value(rule, labels))
    if match is not None:
        _set(labels, _expanded(rule.target_label, match), _expanded(rule.replacement, match))
    return True


def _keep(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    return _match(rule, _value(rule, labels)) is not None


def _drop(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    return _match(rule, _value(rule, labels)) is None


def _keep_equal(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    return labels.get(rule.target_label, "") == _value(rule, labels)


def _drop_equal(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    return labels.get(rule.target_label, "") != _value(rule, labels)


def _hash_mod(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    digest = hashlib.md5(_value(rule, labels).encode(), usedforsecurity=False).digest()
    _set(labels, rule.target_label, str(int.from_bytes(digest[8:], "big") % rule.modulus))
    return True


def _label_map(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    for name, value in sorted(labels.items()):
        if (match := _match(rule, name)) is not None:
            _set(labels, _expanded(rule.replacement, match), value)
    return True


def _label_drop(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    for name in [name for name in labels if _match(rule, name) is not None]:
        del labels[name]
    return True


def _label_keep(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    for name in [name for name in labels if _match(rule, name) is None]:
        del labels[name]
    return True


def _lowercase(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    # Letter by letter, as Go does: the letter that becomes two (İ) is the first of them, and no end of a word counts.
    _set(labels, rule.target_label, "".join([letter.lower()[0] for letter in _value(rule, labels)]))
    return True


def _uppercase(rule: RelabelConfig, labels: dict[str, str]) -> bool:
    # A letter that would become several (ß) stays as it is.
    letters = [(letter, letter.upper()) for letter in _value(rule, labels)]
    text = "".join([upper if len(upper) == 1 else letter for letter, upper in letters])
    _set(labels, rule.target_label, text)
    return True


_APPLY: dict[str, Callable[[RelabelConfig, dict[str, str]], bool]] = {
    "replace": _replace,
    "keep": _keep,
    "drop": _drop,
    "keepequal": _keep_equal,
    "dropequal": _drop_equal,
    "hashmod": _hash_mod,
    "labelmap": _label_map,
    "labeldrop": _label_drop,
    "labelkeep": _label_keep,
    "lowercase": _lowercase,
    "uppercase": _uppercase,
}


def _expanded(template: str, match: Any) -> str:
    """Fill in `$1`, `${1}`, `$name` and `$$` as Go's regular expressions do; what is no group is empty."""
    return "".join([part if name is None else _group(match, name) for part, name in _parts(template)])


@functools.lru_cache(maxsize=1000)
def _parts(template: str) -> tuple[tuple[str, str | None], ...]:
    """Divide a template into texts and, with the group's name, references."""
    parts: list[tuple[str, str | None]] = []
    at = 0
    for reference in _REFERENCE.finditer(template):
        parts.append((template[at : reference.start()], None))
        name = reference[1] or reference[2]
        parts.append(("$", None) if name is None else ("", name))
        at = reference.end()
    return (*parts, (template[at:], None))


def _group(match: Any, name: str) -> str:
    try:
        found = match.group(int(name) if name.isdecimal() else name)
    except (IndexError, KeyError):
        return ""
    return found or ""
