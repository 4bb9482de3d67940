"""The calls and constructions of an Arduino project, and which of its names are buses."""

from __future__ import annotations

from tree_sitter import Node

from accelerapp.codegen.arduino.source import Source, arguments, declared_name, text


def calls(sources: list[Source]) -> dict[str, list[tuple[Source, list[Node]]]]:
    """Return the arguments of each call of a function and of each construction of a class, by its name."""
    found: dict[str, list[tuple[Source, list[Node]]]] = {}
    for source in sources:
        for node in source.walk("call_expression", "declaration", "field_initializer"):
            if node.type == "call_expression":
                name = last_name(node.child_by_field_name("function"))
                found.setdefault(name, []).append((source, arguments(node.child_by_field_name("arguments"))))
            elif node.type == "field_initializer":
                # A base class, or a field whose class is not looked for.
                name = text(node.named_children[0])
                found.setdefault(name, []).append((source, arguments(argument_list(node))))
            else:
                name = text(node.child_by_field_name("type")).rpartition("::")[2]
                for declarator in node.children_by_field_name("declarator"):
                    values = _constructed(declarator)
                    if values is not None:
                        found.setdefault(name, []).append((source, values))
    return found


def argument_list(node: Node) -> Node | None:
    """Return what stands in a node's parentheses or braces."""
    lists = ("argument_list", "initializer_list")
    return next((child for child in node.named_children if child.type in lists), None)


def _constructed(declarator: Node) -> list[Node] | None:
    """Return the arguments with which a declaration constructs, None where it does not."""
    if declarator.type == "init_declarator":
        value = declarator.child_by_field_name("value")
        if value is not None and value.type in ("argument_list", "initializer_list"):
            return arguments(value)
    if declarator.type == "function_declarator":  # `Output pump(PUMP_PIN);` looks like one
        parameters = declarator.child_by_field_name("parameters")
        return [
            child.named_children[0]
            if child.type == "parameter_declaration" and child.named_children
            else child
            for child in arguments(parameters)
        ]
    return None


def bus_kinds(sources: list[Source]) -> dict[str, str]:
    """Return which names are buses, and of what kind."""
    classes = {"TwoWire": "i2c", "SPIClass": "spi", "HardwareSerial": "uart"}
    found = {"Wire": "i2c", "Wire1": "i2c", "SPI": "spi", "Serial1": "uart", "Serial2": "uart"}
    for source in sources:
        for node in source.walk("declaration"):
            kind = classes.get(text(node.child_by_field_name("type")))
            if kind is not None:
                for declarator in node.children_by_field_name("declarator"):
                    name = declared_name(declarator).strip("&* ")
                    found[name.partition("(")[0].strip()] = kind
    return found


def last_name(function: Node | None) -> str:
    """Return `begin` for `Wire.begin` and `pin` for `config::pin`."""
    if function is not None and function.type == "field_expression":
        return text(function.child_by_field_name("field"))
    return text(function).rpartition("::")[2]
