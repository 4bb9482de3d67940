"""C++ as a syntax tree: what the checks ask of it."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter_cpp
from tree_sitter import Language, Node, Parser

_LANGUAGE = Language(tree_sitter_cpp.language())
_DECLARATORS = ("pointer_declarator", "reference_declarator", "array_declarator", "init_declarator")


class Source:
    """One file, parsed."""

    def __init__(self, path: str, content: str) -> None:
        self.path = path
        self.content = content.encode()
        self.root = Parser(_LANGUAGE).parse(self.content).root_node

    def walk(self, *types: str) -> Iterator[Node]:
        """Yield the nodes of some types, in the order of the text."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            if node.type in types:
                yield node
            waiting += reversed(node.children)

    def prototypes(self) -> str:
        """Return a sketch with its functions declared before the first of them, as Arduino's builder does it."""
        functions = [node for node in self.root.children if node.type == "function_definition"]
        if not functions:
            return self.content.decode()
        declared = b""
        for function in functions:
            body = function.child_by_field_name("body")
            head = self.content[function.start_byte : body.start_byte if body else function.end_byte].strip()
            if body is not None and b"=" not in head and b"::" not in head.partition(b"(")[0]:
                declared += b" ".join(head.split()) + b"; "
        first = functions[0]
        begin = self.content.rfind(b"\n", 0, first.start_byte) + 1
        line = first.start_point.row + 1
        # The declarations stand on the line of the first function, so that the lines of errors are those of the text.
        added = b'%s\n#line %d "%s"\n' % (declared, line, self.path.encode())
        return (self.content[:begin] + added + self.content[begin:]).decode()


def text(node: Node | None) -> str:
    """Return a node's text, empty for none."""
    return "" if node is None or node.text is None else node.text.decode()


def line(node: Node) -> int:
    return node.start_point.row + 1


def declared_name(node: Node | None) -> str:
    """Return the name within a declarator."""
    while node is not None and node.type in _DECLARATORS:
        node = node.child_by_field_name("declarator") or next(iter(node.named_children), None)
    return text(node)


def arguments(node: Node | None) -> list[Node]:
    """Return the arguments of a call or a construction."""
    return [] if node is None else [child for child in node.named_children if child.type != "comment"]
