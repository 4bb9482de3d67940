"""Functions of one value at a time: abs, round, clamp, logarithms, angles and the like."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from accelerapp.server.promql import ast
from accelerapp.server.promql.block import Block, Floats
from accelerapp.server.promql.functions.context import Context, Function


def _of_each(function: Callable[[Floats], Floats]) -> Function:
    def evaluate(call: ast.Call, context: Context) -> Block:
        block = context.vector(call.args[0])
        return Block(block.labels, function(block.values), block.present).without_name()

    return evaluate


def _sgn(values: Floats) -> Floats:
    return np.where(values > 0, 1.0, np.where(values < 0, -1.0, values))


def _round(call: ast.Call, context: Context) -> Block:
    """Round to a multiple, halves upwards, by way of the multiple's inverse as Prometheus does."""
    block = context.vector(call.args[0])
    inverse = 1.0 / (context.scalar(call.args[1]) if len(call.args) > 1 else np.ones(context.steps.count))
    values = np.floor(block.values * inverse + 0.5) / inverse
    return Block(block.labels, values, block.present).without_name()


def _clamped(call: ast.Call, context: Context, low: Floats, high: Floats) -> Block:
    """Hold values between two bounds; there is no answer at steps where the upper one is below the lower one."""
    block = context.vector(call.args[0])
    # An infinite bound wins over NaN, as in Go's Min and Max.
    values = np.where(np.isneginf(high) | np.isneginf(block.values), -np.inf, np.minimum(high, block.values))
    values = np.where(np.isposinf(low) | np.isposinf(values), np.inf, np.maximum(low, values))
    return Block(block.labels, values, block.present & ~(high < low)).without_empty().without_name()


def _clamp(call: ast.Call, context: Context) -> Block:
    return _clamped(call, context, context.scalar(call.args[1]), context.scalar(call.args[2]))


def _clamp_min(call: ast.Call, context: Context) -> Block:
    return _clamped(call, context, context.scalar(call.args[1]), np.full(context.steps.count, np.inf))


def _clamp_max(call: ast.Call, context: Context) -> Block:
    return _clamped(call, context, np.full(context.steps.count, -np.inf), context.scalar(call.args[1]))


FUNCTIONS: dict[str, Function] = {
    "abs": _of_each(np.abs),
    "acos": _of_each(np.arccos),
    "acosh": _of_each(np.arccosh),
    "asin": _of_each(np.arcsin),
    "asinh": _of_each(np.arcsinh),
    "atan": _of_each(np.arctan),
    "atanh": _of_each(np.arctanh),
    "ceil": _of_each(np.ceil),
    "clamp": _clamp,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp_min,
    "cos": _of_each(np.cos),
    "cosh": _of_each(np.cosh),
    "deg": _of_each(lambda values: values * 180 / np.pi),
    "exp": _of_each(np.exp),
    "floor": _of_each(np.floor),
    "ln": _of_each(np.log),
    "log10": _of_each(np.log10),
    "log2": _of_each(np.log2),
    "rad": _of_each(lambda values: values * np.pi / 180),
    "round": _round,
    "sgn": _of_each(_sgn),
    "sin": _of_each(np.sin),
    "sinh": _of_each(np.sinh),
    "sqrt": _of_each(np.sqrt),
    "tan": _of_each(np.tan),
    "tanh": _of_each(np.tanh),
}
