"""A parsed template and its evaluation, bounded in steps and output."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accelerapp.server.gotemplate.builtins import BUILTINS, Functions
from accelerapp.server.gotemplate.errors import TemplateError
from accelerapp.server.gotemplate.nodes import (
    Access,
    Action,
    Branch,
    Call,
    Function,
    Jump,
    Literal,
    Node,
    Operand,
    Pipeline,
    Text,
    Variable,
)
from accelerapp.server.gotemplate.parser import Parser
from accelerapp.server.gotemplate.values import Object, Struct, display, truth, type_name

#: Enough for a notification of some ten thousand alerts, and ended within a second or two.
MAX_STEPS: Final = 1_000_000
MAX_OUTPUT: Final = 1 << 20
MAX_CALL_DEPTH: Final = 50

#: Evaluated here, since they evaluate their arguments only as far as needed.
_LAZY: Final = ("and", "or")


@dataclass(frozen=True, slots=True)
class Definition:
    """A template that has a name; `text` and `file` are those in which it is written, for its errors."""

    nodes: tuple[Node, ...]
    text: str
    file: str


class Template:
    """One parsed template with those that it can call; immutable, so threads may share it."""

    def __init__(
        self,
        text: str,
        name: str,
        nodes: tuple[Node, ...],
        definitions: Mapping[str, Definition],
        functions: Functions,
        calls: Sequence[Call] = (),
    ) -> None:
        self.text = text
        self.name = name
        self.nodes = nodes
        self.definitions = definitions
        self.functions = functions
        self._calls = calls

    def undefined(self, known: Callable[[str], object]) -> Iterator[TemplateError]:
        """Yield an error for each call of a template that is not defined here and whose name `known` denies."""
        for call in self._calls:
            if call.name not in self.definitions and not known(call.name):
                yield self.error(call.offset, f'template "{call.name}" not defined; check its name')

    def outline(self) -> str:
        """Return the text with `[name]` for a field that is printed, … for any other value; of branches the first."""
        return "".join(_outlined(self.nodes))

    def error(self, offset: int, message: str) -> TemplateError:
        """Make an error at a place in the text."""
        return error_at(self.text, self.name, offset, message)

    def execute(
        self,
        data: Any,
        variables: Mapping[str, Any] | None = None,
        functions: Functions | None = None,
    ) -> str:
        """Return the text for `data` (dot) and variables (names without `$`); raises TemplateError.

        Maps are mappings, in which a missing key is the empty text; structs are `Struct`. `functions` take the place
        of those of the same name that were given when the template was parsed.
        """
        return _Execution(self, functions or {}).run(data, variables or {})


def parse(
    text: str,
    name: str,
    functions: Functions,
    *,
    unsupported: Mapping[str, str] | None = None,
    variables: Collection[str] = (),
    definitions: Mapping[str, Definition] | None = None,
) -> Template:
    """Parse a template in the language of Go's text/template.

    `functions` are added to Go's own; `unsupported` maps names to the reason given when one is used;
    `variables` (without `$`) are those that `execute` is going to give; `definitions` are templates that
    others have defined. Raises TemplateError.
    """
    known = {*BUILTINS, *functions, *_LAZY}
    parser = Parser(text, name, known, unsupported or {}, variables)
    nodes = parser.parse()
    return Template(
        text,
        name,
        nodes,
        {
            **(definitions or {}),
            **{key: Definition(body, text, name) for key, body in parser.definitions.items()},
        },
        {**BUILTINS, **functions},
        parser.calls,
    )


def _outlined(nodes: Sequence[Node]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Text):
            yield node.text
        elif isinstance(node, Branch):
            yield from _outlined(node.body)
        elif isinstance(node, Call):
            yield "…"
        elif isinstance(node, Action) and not node.variables:
            (first, *rest), *piped = node.pipeline.commands
            field = isinstance(first, Access) and bool(first.names) and not rest and not piped
            yield f"[{first.names[-1]}]" if field and isinstance(first, Access) else "…"


def error_at(text: str, name: str, offset: int, message: str) -> TemplateError:
    """Make an error at a place in a template's text."""
    line = text.count("\n", 0, offset) + 1
    return TemplateError(name, line, offset - text.rfind("\n", 0, offset), message)


def literal(text: str, name: str) -> Template:
    """Return a template that gives its text as it is, braces included."""
    return Template(text, name, (Text(text),), {}, BUILTINS)


class _Break(Exception):  # noqa: N818 - a jump and no error
    pass


class _Continue(Exception):  # noqa: N818 - a jump and no error
    pass


class _Execution:
    def __init__(self, template: Template, functions: Functions) -> None:
        self._template = template
        self._functions = {**template.functions, **functions}
        #: What is being executed: errors are placed in its text.
        self._source = Definition(template.nodes, template.text, template.name)
        self._output: list[str] = []
        self._length = 0
        self._steps = 0
        self._depth = 0
        self._offset = 0
        self._scope: list[tuple[str, Any]] = []

    def run(self, data: Any, variables: Mapping[str, Any]) -> str:
        self._scope = [("$", data), *((f"${name}", value) for name, value in variables.items())]
        try:
            self._walk(self._template.nodes, data)
        except RecursionError as error:
            raise self._error(0, "the template is nested too deeply; simplify it") from error
        return "".join(self._output)

    def _error(self, offset: int, message: str) -> TemplateError:
        return error_at(self._source.text, self._source.file, offset, message)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise self._error(self._offset, f"took more than {MAX_STEPS} steps; simplify the template")

    def _write(self, text: str) -> None:
        self._length += len(text)
        if self._length > MAX_OUTPUT:
            raise self._error(self._offset, f"wrote more than {MAX_OUTPUT} characters; shorten the template")
        self._output.append(text)

    # Statements

    def _walk(self, nodes: Sequence[Node], dot: Any) -> None:
        for node in nodes:
            self._step()
            if isinstance(node, Text):
                self._write(node.text)
            elif isinstance(node, Action):
                value = self._action(node, dot)
                if not node.variables:
                    self._write(display(value))
            elif isinstance(node, Branch):
                self._branch(node, dot)
            elif isinstance(node, Call):
                self._call(node, dot)
            elif isinstance(node, Jump):
                raise _Break if node.kind == "break" else _Continue

    def _action(self, action: Action, dot: Any) -> Any:
        value = self._pipeline(action.pipeline, dot)
        for variable in action.variables[-1:]:
            self._set(variable, value, declare=action.declares)
        return value

    def _set(self, name: str, value: Any, *, declare: bool) -> None:
        if not declare:
            for index in range(len(self._scope) - 1, -1, -1):
                if self._scope[index][0] == name:
                    self._scope[index] = (name, value)
                    return
        self._scope.append((name, value))

    def _branch(self, node: Branch, dot: Any) -> None:
        mark = len(self._scope)
        if node.kind == "range":
            self._range(node, dot)
        else:
            value = self._action(node.action, dot)
            if truth(value):
                self._walk(node.body, value if node.kind == "with" else dot)
            else:
                self._walk(node.otherwise, dot)
        del self._scope[mark:]

    def _range(self, node: Branch, dot: Any) -> None:
        value = self._pipeline(node.action.pipeline, dot)
        mark = len(self._scope)
        empty = True
        for key, item in self._items(value, node.offset):
            empty = False
            self._step()
            names = node.action.variables
            for name, part in zip(names, (key, item) if len(names) == 2 else (item,), strict=False):
                self._set(name, part, declare=node.action.declares)
            try:
                self._walk(node.body, item)
            except _Break:
                break
            except _Continue:
                continue
            finally:
                del self._scope[mark:]
        if empty:
            self._walk(node.otherwise, dot)

    def _items(self, value: Any, offset: int) -> Iterator[tuple[Any, Any]]:
        if value is None:
            return
        if isinstance(value, Mapping) and not isinstance(value, Struct):
            yield from sorted(value.items())
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield from enumerate(value)
        else:
            raise self._error(offset, f"range can't iterate over {type_name(value)}")

    def _call(self, node: Call, dot: Any) -> None:
        called = self._template.definitions.get(node.name)
        if called is None:
            raise self._error(node.offset, f'template "{node.name}" not defined; check its name')
        if self._depth >= MAX_CALL_DEPTH:
            raise self._error(
                node.offset, f"templates call each other more than {MAX_CALL_DEPTH} levels deep"
            )
        argument = None if node.argument is None else self._pipeline(node.argument, dot)
        outside, self._scope = self._scope, [("$", argument)]
        source, self._source = self._source, called
        self._depth += 1
        self._walk(called.nodes, argument)
        self._depth -= 1
        self._scope, self._source = outside, source

    # Expressions

    def _pipeline(self, pipeline: Pipeline, dot: Any) -> Any:
        piped: tuple[Any, ...] = ()
        for command in pipeline.commands:
            piped = (self._command(command, dot, piped),)
        return piped[0]

    def _command(self, command: Sequence[Operand], dot: Any, piped: tuple[Any, ...]) -> Any:
        self._step()
        head = command[0]
        if isinstance(head, Function):
            return self._apply(head, command[1:], dot, piped)
        if (len(command) > 1 or piped) and isinstance(head, Access) and head.names:
            arguments = [*(self._operand(operand, dot) for operand in command[1:]), *piped]
            return self._access(head, dot, arguments)
        if len(command) > 1 or piped:
            raise self._error(
                head.offset, "can't give arguments to what is not a function; name a function first"
            )
        return self._operand(head, dot)

    def _operand(self, operand: Operand, dot: Any) -> Any:
        self._offset = operand.offset
        if isinstance(operand, Literal):
            return operand.value
        if isinstance(operand, Variable):
            return self._variable(operand)
        if isinstance(operand, Function):
            return self._apply(operand, (), dot, ())
        if isinstance(operand, Pipeline):
            return self._pipeline(operand, dot)
        return self._access(operand, dot, ())

    def _access(self, access: Access, dot: Any, arguments: Sequence[Any]) -> Any:
        """Follow the names of an access; the last of them is given the arguments, and must be a method then."""
        value = dot if access.base is None else self._operand(access.base, dot)
        for name in access.names[: len(access.names) - bool(arguments)]:
            value = self._field(value, name, access.offset)
        if not arguments:
            return value
        name = access.names[-1]
        method = value.methods.get(name) if isinstance(value, Object) else None
        if method is None:
            raise self._error(
                access.offset, f"{name} has arguments but cannot be invoked as function; it is no method"
            )
        return self._invoke(name, method, (value, *arguments), access.offset)

    def _variable(self, variable: Variable) -> Any:
        for name, value in reversed(self._scope):
            if name == variable.name:
                return value
        raise self._error(variable.offset, f"undefined variable {variable.name}; declare it first with :=")

    def _field(self, value: Any, name: str, offset: int) -> Any:
        if isinstance(value, Object) and name in value.methods:
            return self._invoke(name, value.methods[name], (value,), offset)
        if isinstance(value, Struct):
            if name not in value:
                known = ", ".join(f".{key}" for key in sorted(value))
                raise self._error(offset, f"can't evaluate field {name}; there are: {known}")
            return value[name]
        if isinstance(value, Mapping):
            return value.get(name, "")
        if value is None:
            raise self._error(offset, f"nil data; no entry for key {name}")
        raise self._error(offset, f"can't evaluate field {name} in type {type_name(value)}")

    def _apply(self, head: Function, operands: Sequence[Operand], dot: Any, piped: tuple[Any, ...]) -> Any:
        if head.name in _LAZY:
            return self._lazy(head, operands, dot, piped)
        arguments = [self._operand(operand, dot) for operand in operands]
        arguments.extend(piped)
        return self._invoke(head.name, self._functions[head.name], arguments, head.offset)

    def _invoke(self, name: str, function: Callable[..., Any], arguments: Sequence[Any], offset: int) -> Any:
        self._offset = offset
        try:
            value = function(*arguments)
        except (ValueError, TypeError, AttributeError, OverflowError, LookupError) as error:
            said = str(error) if isinstance(error, ValueError) else "wrong number or type of arguments"
            raise self._error(offset, f"error calling {name}: {said}") from error
        # A text that is put together from itself doubles with each step.
        if isinstance(value, str) and len(value) > MAX_OUTPUT:
            raise self._error(offset, f"{name} made more than {MAX_OUTPUT} characters; shorten the template")
        return value

    def _lazy(self, head: Function, operands: Sequence[Operand], dot: Any, piped: tuple[Any, ...]) -> Any:
        if not operands and not piped:
            raise self._error(head.offset, f"{head.name} needs at least one argument")
        value: Any = None
        for operand in operands:
            value = self._operand(operand, dot)
            if truth(value) == (head.name == "or"):
                return value
        return piped[0] if piped else value
