"""Which whole numbers the names of an Arduino project stand for."""

from __future__ import annotations

from collections.abc import Mapping

from tree_sitter import Node

from accelerapp.codegen.arduino.source import Source, declared_name, text


def integer(node: Node, known: Mapping[str, int]) -> int | None:
    """Return the number that an expression is; None where it takes more than signs and `known` names to tell."""
    match node.type:
        case "number_literal":
            try:
                return int(text(node).rstrip("uUlL").replace("'", ""), 0)
            except ValueError:
                return None
        case "unary_expression" if text(node).startswith("-"):
            inner = integer(node.named_children[0], known)
            return None if inner is None else -inner
        case "parenthesized_expression":
            return integer(node.named_children[0], known)
        case "identifier" | "qualified_identifier":
            return known.get(text(node).rpartition("::")[2])
    return None


def constants(sources: list[Source]) -> dict[str, int]:
    """Return the names that are one integer in the whole project: constants, enumerators and macros."""
    found: dict[str, set[int | None]] = {}
    for source in sources:
        for node in source.walk("init_declarator", "preproc_def", "enumerator"):
            if node.type == "init_declarator":
                kind = text(node.parent).split("=")[0].split() if node.parent else []
                name = declared_name(node.child_by_field_name("declarator"))
                constant = {"const", "constexpr"} & set(kind)
                value = node.child_by_field_name("value")
                number = integer(value, {}) if value is not None and constant else None
            elif node.type == "preproc_def":
                name = text(node.child_by_field_name("name"))
                number = _macro(text(node.child_by_field_name("value")))
            else:
                name = text(node.child_by_field_name("name"))
                value = node.child_by_field_name("value")
                number = integer(value, {}) if value is not None else None
            found.setdefault(name, set()).add(number)
    return {
        name: value
        for name, values in found.items()
        if len(values) == 1
        for value in values
        if value is not None
    }


def _macro(value: str) -> int | None:
    try:
        return int(value.strip().strip("()").rstrip("uUlL"), 0)
    except ValueError:
        return None
