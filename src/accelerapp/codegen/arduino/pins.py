"""Which pins an Arduino project uses, and whether the board has them.

Pins are followed through constants, and through the parameters of functions and constructors to where these are called.
What cannot be told without running the code is a warning.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

from accelerapp.codegen.arduino.calls import argument_list, bus_kinds, calls, last_name
from accelerapp.codegen.arduino.integers import constants, integer
from accelerapp.codegen.arduino.source import Source, arguments, declared_name, line, text
from accelerapp.codegen.boards import BOARDS, Board
from accelerapp.codegen.findings import Finding
from accelerapp.codegen.specification import HardwareSpecification, pins_of

Role = Literal["pin", "output", "adc"]

#: Functions of the core that take a pin, and what they do with it; the pin is the first argument.
_PIN_FUNCTIONS: Mapping[str, Role] = {
    "digitalRead": "pin",
    "pulseIn": "pin",
    "digitalPinToInterrupt": "pin",
    "digitalWrite": "output",
    "analogWrite": "output",
    "ledcAttach": "output",
    "ledcWrite": "output",
    "tone": "output",
    "analogRead": "adc",
    "analogReadMilliVolts": "adc",
    "setSDA": "output",
    "setSCL": "output",
    "setSCK": "output",
    "setTX": "output",
    "setRX": "pin",
    "setCS": "output",
}
#: `begin` of the buses of ESP32, by how many arguments it has: the roles of the arguments that are pins.
_BEGIN: Mapping[str, Mapping[int, Role]] = {
    "i2c": {0: "output", 1: "output"},
    "spi": {0: "output", 1: "pin", 2: "output", 3: "output"},
    "uart": {2: "pin", 3: "output"},
}


def check_pins(sources: list[Source], spec: HardwareSpecification) -> list[Finding]:
    """Return each use of a pin that the board has not, or the specification does not wire."""
    wired = {pin for peripheral in spec.peripherals for pin in pins_of(peripheral).values()}
    return list(_Pins(sources, BOARDS[spec.board], wired).findings())


@dataclass(frozen=True, slots=True)
class _Parameter:
    """The parameter `index` of a function, or of the constructor of a class, named `callee`."""

    callee: str
    index: int


class _Pins:
    """Looks at every call that takes a pin."""

    def __init__(self, sources: list[Source], board: Board, wired: set[int]) -> None:
        self._sources = sources
        self._board = board
        self._wired = wired
        self._constants = constants(sources)
        self._calls = calls(sources)
        self._kinds = bus_kinds(sources)
        self._fields: dict[tuple[int, str], _Parameter | None] = {}

    def findings(self) -> Iterator[Finding]:
        waiting = deque(
            (source, argument, role)
            for source in self._sources
            for call in source.walk("call_expression")
            for argument, role in self._pin_arguments(call)
        )
        seen: set[Finding] = set()
        # Each parameter is followed once, however many calls lead to it: functions may call each other in circles.
        followed: set[tuple[_Parameter, Role]] = set()
        while waiting:
            source, node, role = waiting.popleft()
            finding = None
            number = self._number(node)
            if number is not None:
                problem = self._problem(number, role)
                if problem is not None:
                    finding = Finding("invalid_pins", source.path, line(node), problem)
            else:
                parameter = self._parameter(node)
                if parameter is not None and (parameter, role) in followed:
                    continue
                uses = [] if parameter is None else self._uses(parameter)
                if parameter is not None and uses:
                    followed.add((parameter, role))
                    waiting += [(where, value, role) for where, value in uses]
                else:
                    message = "which pin this is cannot be told without running the code"
                    finding = Finding("warning", source.path, line(node), message)
            if finding is not None and finding not in seen:
                seen.add(finding)
                yield finding

    def _pin_arguments(self, call: Node) -> Iterator[tuple[Node, Role]]:
        function = call.child_by_field_name("function")
        given = arguments(call.child_by_field_name("arguments"))
        if function is None or not given:
            return
        name = last_name(function)
        if name == "pinMode":
            drives = len(given) > 1 and "OUTPUT" in text(given[1])
            yield given[0], "output" if drives else "pin"
        elif name in _PIN_FUNCTIONS:
            yield given[0], _PIN_FUNCTIONS[name]
        elif name == "begin" and function.type == "field_expression":
            kind = self._kinds.get(text(function.child_by_field_name("argument")), "")
            for index, role in _BEGIN.get(kind, {}).items():
                if index < len(given):
                    yield given[index], role

    def _uses(self, parameter: _Parameter) -> list[tuple[Source, Node]]:
        """Return what is given for a parameter."""
        return [
            (where, values[parameter.index])
            for where, values in self._calls.get(parameter.callee, [])
            if parameter.index < len(values)
        ]

    def _parameter(self, node: Node) -> _Parameter | None:
        """Return which parameter a name within a function is, also by way of a field that the constructor sets."""
        name = text(node).removeprefix("this->")
        function = _enclosing(node, "function_definition")
        if function is None:
            return None
        index = _parameters(function).get(name)
        if index is not None:
            declarator = function.child_by_field_name("declarator")
            own = declared_name(declarator.child_by_field_name("declarator") if declarator else None)
            return _Parameter(own.rpartition("::")[2], index)
        owner = _enclosing(node, "class_specifier", "struct_specifier")
        if owner is None:
            return None
        # A class is looked through once for each of its fields.
        key = (owner.id, name)
        if key not in self._fields:
            self._fields[key] = _set_by_constructor(owner, name)
        return self._fields[key]

    def _problem(self, number: int, role: Role) -> str | None:
        if number == -1:  # the core's way to say that a bus is without this signal
            return None
        board = self._board
        check = {
            "pin": board.problem_with_pin,
            "output": board.problem_with_output,
            "adc": board.problem_with_adc,
        }[role]
        problem = check(number)
        if problem is None and number not in self._wired:
            problem = f"GPIO{number} is not in the specification"
        return problem

    def _number(self, node: Node) -> int | None:
        return integer(node, self._constants)


def _set_by_constructor(owner: Node, field: str) -> _Parameter | None:
    class_name = text(owner.child_by_field_name("name"))
    body = owner.child_by_field_name("body")
    for member in body.named_children if body else []:
        lists = [child for child in member.children if child.type == "field_initializer_list"]
        for initializer in lists[0].named_children if lists else []:
            if initializer.type != "field_initializer" or text(initializer.named_children[0]) != field:
                continue
            given = arguments(argument_list(initializer))
            index = _parameters(member).get(text(given[0])) if given else None
            if index is not None:
                return _Parameter(class_name, index)
    return None


def _parameters(function: Node) -> dict[str, int]:
    declarator = function.child_by_field_name("declarator")
    while declarator is not None and declarator.type != "function_declarator":
        declarator = declarator.child_by_field_name("declarator") or next(
            iter(declarator.named_children), None
        )
    given = declarator.child_by_field_name("parameters") if declarator else None
    return {
        declared_name(parameter.child_by_field_name("declarator")).strip("&* "): index
        for index, parameter in enumerate(arguments(given))
    }


def _enclosing(node: Node, *types: str) -> Node | None:
    above = node.parent
    while above is not None and above.type not in types:
        above = above.parent
    return above
