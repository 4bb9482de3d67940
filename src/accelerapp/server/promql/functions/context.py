"""What a function sees of the evaluator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from accelerapp.server.promql import ast
from accelerapp.server.promql.annotation import Annotations
from accelerapp.server.promql.block import Block, Floats, Ints, Steps
from accelerapp.server.promql.windows import Windows


class Context(Protocol):
    """Evaluates a function's arguments at the query's steps."""

    @property
    def steps(self) -> Steps: ...

    @property
    def times(self) -> Ints: ...

    @property
    def notes(self) -> Annotations: ...

    def vector(self, expr: ast.Expr) -> Block: ...

    def scalar(self, expr: ast.Expr) -> Floats: ...

    def windows(self, expr: ast.Expr) -> Windows: ...

    def instant(self, selector: ast.VectorSelector) -> tuple[Block, Ints]: ...


#: Evaluates a call: a block for instant vectors, one number a step for scalars.
Function = Callable[[ast.Call, Context], Block | Floats]
