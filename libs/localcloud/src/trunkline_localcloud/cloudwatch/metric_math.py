"""Metric math on one period's values.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
Supported: numbers, ids, ``+ - * / ^``, comparisons, ``AND``, ``OR``, arrays, and the functions
``ABS AVG CEIL FILL FLOOR IF MAX MIN SUM``. Functions of a whole series over time are not.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["ExpressionError", "MetricExpression"]

Values = Mapping[str, float | None]
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARED: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_OF_MANY: dict[str, Callable[[Sequence[float]], float]] = {
    "AVG": lambda values: sum(values) / len(values),
    "MAX": max,
    "MIN": min,
    "SUM": sum,
}
_OF_ONE: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_ARGUMENTS = {"IF": 3, "FILL": 2, **dict.fromkeys([*_OF_MANY, *_OF_ONE], 1)}
_IN_PYTHON = ((r"&&|\bAND\b", " and "), (r"\|\||\bOR\b", " or "), (r"\^", "**"))


class ExpressionError(ValueError):
    """An expression that cannot be evaluated here."""


class MetricExpression:
    """A parsed expression.

    Args:
        text: The expression.

    Raises:
        ExpressionError: it is malformed, or uses what is not supported.
    """

    def __init__(self, text: str) -> None:
        source = text.strip()
        for pattern, replacement in _IN_PYTHON:
            source = re.sub(pattern, replacement, source)
        try:
            self._root = ast.parse(source, mode="eval").body
        except SyntaxError as error:
            raise ExpressionError(f"malformed expression: {text}") from error
        self._check(self._root)

    @property
    def names(self) -> frozenset[str]:
        """The ids that it names."""
        found = (node.id for node in ast.walk(self._root) if isinstance(node, ast.Name))
        return frozenset(found) - _ARGUMENTS.keys()

    def value(self, values: Values) -> float | None:
        """The result for one period; None when it lacks data or divides by zero.

        Args:
            values: By the ids that the expression names.
        """
        return self._value(self._root, values)

    def _check(self, node: ast.AST) -> None:
        for each in ast.walk(node):
            if isinstance(each, ast.Call):
                name = each.func.id if isinstance(each.func, ast.Name) else ""
                if _ARGUMENTS.get(name) != len(each.args):
                    raise ExpressionError(f"unsupported function: {ast.unparse(each)}")
            elif isinstance(each, ast.expr) and not isinstance(each, _SUPPORTED):
                raise ExpressionError(f"unsupported: {ast.unparse(each)}")

    def _value(self, node: ast.expr, values: Values) -> float | None:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name):
                return values.get(name)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._called(name, arguments, values)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._value(operand, values)
                return None if inner is None else -inner
            case _:
                return self._combined(node, values)

    def _combined(self, node: ast.expr, values: Values) -> float | None:
        match node:
            case ast.BinOp(left=left, op=op, right=right):
                return self._both(_BINARY[type(op)], left, right, values)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._both(_COMPARED[type(op)], left, right, values)
            case ast.BoolOp(op=op, values=operands):
                known = [self._value(each, values) for each in operands]
                if None in known:
                    return None
                return float(all(known) if isinstance(op, ast.And) else any(known))
            case _:
                raise ExpressionError(f"unsupported: {ast.unparse(node)}")

    def _both(
        self,
        combine: Callable[[float, float], Any],
        left: ast.expr,
        right: ast.expr,
        values: Values,
    ) -> float | None:
        first, second = self._value(left, values), self._value(right, values)
        if first is None or second is None:
            return None
        try:
            return float(combine(first, second))
        except ZeroDivisionError:
            return None

    def _called(self, name: str, arguments: list[ast.expr], values: Values) -> float | None:
        if name == "IF":
            condition = self._value(arguments[0], values)
            if condition is None:
                return None
            return self._value(arguments[1 if condition else 2], values)
        if name == "FILL":
            found = self._value(arguments[0], values)
            return self._value(arguments[1], values) if found is None else found
        argument = arguments[0]
        if name in _OF_ONE:
            found = self._value(argument, values)
            return None if found is None else float(_OF_ONE[name](found))
        members = argument.elts if isinstance(argument, ast.List) else [argument]
        known = [each for each in (self._value(m, values) for m in members) if each is not None]
        return float(_OF_MANY[name](known)) if known else None


_SUPPORTED = (
    ast.BinOp,
    ast.BoolOp,
    ast.Call,
    ast.Compare,
    ast.Constant,
    ast.List,
    ast.Name,
    ast.UnaryOp,
)
