"""Functions that change labels: label_replace, label_join."""

from __future__ import annotations

import re
from typing import Any

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import Block, get_label, set_label
from accelerapp.server.promql.errors import PromQLError
from accelerapp.server.promql.functions.context import Context, Function
from accelerapp.server.promql.regex import compile_anchored
from accelerapp.server.signals import Labels

#: More digits than the number of any group has.
_DIGITS = 10
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


def _label_replace(call: ast.Call, context: Context) -> Block:
    target, replacement, source, pattern = (_text(arg) for arg in call.args[1:5])
    try:
        regex = compile_anchored(pattern)
    except PromQLError as error:
        raise PromQLError(f"invalid regular expression in label_replace(): {pattern}") from error
    _check_label(target, "destination", "label_replace")

    def change(labels: Labels) -> Labels:
        match = regex.fullmatch(get_label(labels, source))
        if match is None:
            return labels
        return set_label(labels, target, _expand(replacement, match))

    block = context.vector(call.args[0])
    return block.relabelled([change(labels) for labels in block.labels])


def _expand(template: str, match: Any) -> str:
    """Put a match's groups into a template as Go does: $1, ${1}, $name, ${name}, $$; unknown groups are empty."""

    def group(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        if name.isdecimal():
            number = int(name[:_DIGITS])
            return str(match.group(number) or "") if number <= match.re.groups else ""
        return str(match.groupdict().get(name) or "")

    return _REFERENCE.sub(group, template)


def _label_join(call: ast.Call, context: Context) -> Block:
    target, separator, *sources = (_text(arg) for arg in call.args[1:])
    for source in sources:
        _check_label(source, "source", "label_join")
    _check_label(target, "destination", "label_join")
    block = context.vector(call.args[0])
    labels = [
        set_label(each, target, separator.join(get_label(each, source) for source in sources))
        for each in block.labels
    ]
    return block.relabelled(labels)


def _check_label(name: str, which: str, function: str) -> None:
    if not name:
        raise PromQLError(f"invalid {which} label name in {function}(): {name}")


def _text(argument: ast.Expr) -> str:
    argument = ast.unwrap(argument)
    if not isinstance(argument, ast.StringLiteral):
        raise PromQLError(f"expected a string literal, got {argument}", argument.start, argument.end)
    return argument.value


FUNCTIONS: dict[str, Function] = {"label_join": _label_join, "label_replace": _label_replace}
