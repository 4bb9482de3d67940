"""Whether generated code can run on the board: it compiles, and uses only pins and buses that are there.

Pins are followed through module-level integer constants, also those of the project's other modules
(`config.PUMP_PIN`). What cannot be told without running the code is a warning.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from accelerapp.codegen.boards import BOARDS, Board
from accelerapp.codegen.findings import Finding, check_paths
from accelerapp.codegen.project import Project
from accelerapp.codegen.specification import HardwareSpecification, pins_of

_BUSES = {"I2C": "i2c", "SoftI2C": "i2c", "SPI": "spi", "SoftSPI": "spi", "UART": "uart"}
_SIGNALS = {
    "i2c": ("scl", "sda"),
    "spi": ("sck", "mosi", "miso"),
    "uart": ("tx", "rx"),
}

#: module name → constant name → value
Constants = Mapping[str, Mapping[str, int]]


def check_project(project: Project, spec: HardwareSpecification) -> list[Finding]:
    """Return what is wrong with a project, and warnings; no `invalid_…` finding means it may be handed out."""
    findings = check_paths(project, "main.py")
    trees: dict[str, ast.Module] = {}
    for file in project.files:
        if file.path.endswith(".py"):
            parsed = _parse(file.path, file.content)
            if isinstance(parsed, Finding):
                findings.append(parsed)
            else:
                trees[file.path] = parsed
    constants = {_module_name(path): _constants(tree) for path, tree in trees.items()}
    board = BOARDS[spec.board]
    wired = {pin for peripheral in spec.peripherals for pin in pins_of(peripheral).values()}
    for path, tree in trees.items():
        findings += _FileCheck(path, tree, constants, board, wired).findings()
    return findings


def _parse(path: str, content: str) -> ast.Module | Finding:
    try:
        tree = ast.parse(content, path)
        compile(tree, path, "exec", dont_inherit=True)
    except SyntaxError as exc:
        return Finding("invalid_code", path, exc.lineno or 1, f"does not compile: {exc.msg}")
    except (ValueError, RecursionError, MemoryError, OverflowError) as exc:
        return Finding("invalid_code", path, 1, f"does not compile: {type(exc).__name__}: {exc}")
    return tree


def _module_name(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def _constants(tree: ast.Module) -> dict[str, int]:
    """Return the module-level names that are one integer, assigned once."""
    values: dict[str, int] = {}
    times: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            times[node.id] = times.get(node.id, 0) + 1
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        # MicroPython's `const(4)` is 4.
        if isinstance(value, ast.Call) and _callee(value) == "const" and len(value.args) == 1:
            value = value.args[0]
        if isinstance(value, ast.Constant) and type(value.value) is int:
            for target in targets:
                if isinstance(target, ast.Name) and times[target.id] == 1:
                    values[target.id] = value.value
    return values


def _callee(call: ast.Call) -> str | None:
    """Return `Pin` for `Pin(…)` and for `machine.Pin(…)`."""
    if isinstance(call.func, ast.Name):
        return call.func.id
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return call.func.attr if call.func.value.id in {"machine", "micropython"} else None
    return None


class _FileCheck:
    """Looks at every call that takes a pin or a bus."""

    def __init__(
        self, path: str, tree: ast.Module, constants: Constants, board: Board, wired: set[int]
    ) -> None:
        self._path = path
        self._tree = tree
        self._constants = constants
        self._board = board
        self._wired = wired
        self._own = dict(constants[_module_name(path)])
        self._modules: dict[str, str] = {}
        self._renamed: dict[str, str] = {}
        self._read_imports()

    def _read_imports(self) -> None:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in self._constants:
                        self._modules[alias.asname or alias.name] = alias.name
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                for alias in node.names:
                    name = alias.asname or alias.name
                    if node.module == "machine":
                        self._renamed[name] = alias.name
                    elif f"{node.module}.{alias.name}" in self._constants:
                        self._modules[name] = f"{node.module}.{alias.name}"
                    elif alias.name in self._constants.get(node.module, {}):
                        self._own[name] = self._constants[node.module][alias.name]

    def findings(self) -> Iterator[Finding]:
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.Call):
                continue
            name = _callee(node)
            if name is None:
                continue
            name = self._renamed.get(name, name)
            if name == "Pin":
                yield from self._pin(node)
            elif name == "ADC":
                yield from self._analog(node)
            elif name == "PWM":
                yield from self._driven(node)
            elif name in _BUSES:
                yield from self._bus(node, name)

    def _invalid(self, node: ast.AST, message: str) -> Finding:
        return Finding("invalid_pins", self._path, getattr(node, "lineno", 1), message)

    def _unclear(self, node: ast.AST, what: str) -> Finding:
        return Finding(
            "warning",
            self._path,
            getattr(node, "lineno", 1),
            f"{what} cannot be told without running the code",
        )

    def _integer(self, node: ast.expr) -> int | None:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self._integer(node.operand)
            return None if inner is None else -inner
        if isinstance(node, ast.Name):
            return self._own.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = self._modules.get(node.value.id)
            return None if module is None else self._constants[module].get(node.attr)
        return None

    def _pin(self, call: ast.Call) -> Iterator[Finding]:
        argument = _argument(call, 0, "id")
        if argument is None:
            yield self._invalid(call, "Pin() needs a pin")
            return
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            if argument.value not in self._board.named_pins:
                yield self._invalid(call, f"{self._board.name} has no pin named {argument.value!r}")
            return
        number = self._integer(argument)
        if number is None:
            yield self._unclear(call, "which pin this is")
            return
        mode = _argument(call, 1, "mode")
        driven = isinstance(mode, ast.Attribute) and mode.attr in {"OUT", "OPEN_DRAIN"}
        yield from self._number(call, number, driven=driven)

    def _number(self, node: ast.AST, number: int, *, driven: bool) -> Iterator[Finding]:
        board = self._board
        problem = board.problem_with_output(number) if driven else board.problem_with_pin(number)
        if problem is None and number not in self._wired:
            problem = f"GPIO{number} is not in the specification"
        if problem is not None:
            yield self._invalid(node, problem)

    def _pin_number(self, node: ast.expr) -> int | None:
        """Return the number in `Pin(4)` or `4`; whether the pin is there is said where `Pin` is called."""
        if isinstance(node, ast.Call):
            name = _callee(node)
            argument = _argument(node, 0, "id")
            if name is None or self._renamed.get(name, name) != "Pin" or argument is None:
                return None
            return self._integer(argument)
        return self._integer(node)

    def _analog(self, call: ast.Call) -> Iterator[Finding]:
        argument = _argument(call, 0, "pin")
        number = None if argument is None else self._pin_number(argument)
        if number is None:
            return
        problem = self._board.problem_with_adc(number)
        if problem is not None:
            yield self._invalid(call, problem)

    def _driven(self, call: ast.Call) -> Iterator[Finding]:
        argument = _argument(call, 0, "dest")
        number = None if argument is None else self._pin_number(argument)
        if number is not None:
            problem = self._board.problem_with_output(number)
            if problem is not None:
                yield self._invalid(call, problem)

    def _bus(self, call: ast.Call, name: str) -> Iterator[Finding]:
        kind = _BUSES[name]
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        signals: dict[str, int] = {}
        for signal in _SIGNALS[kind]:
            number = self._pin_number(given[signal]) if signal in given else None
            if number is not None:
                signals[signal] = number
        if name.startswith("Soft"):
            for signal, number in signals.items():
                problem = None if signal == "miso" else self._board.problem_with_output(number)
                if problem is not None:
                    yield self._invalid(call, problem)
            return
        argument = _argument(call, 0, "id")
        bus = None if argument is None else self._integer(argument)
        if bus is None:
            yield self._unclear(call, f"which {name} bus this is")
            return
        for _, problem in self._board.problems_with_bus(kind, bus, signals):
            if problem is not None:
                yield self._invalid(call, problem)


def _argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    if len(call.args) > position:
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
