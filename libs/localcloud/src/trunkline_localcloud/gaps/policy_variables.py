"""Policy variables stand for what they name.

``${aws:PrincipalTag/team}`` in a resource or in the value of a condition is replaced by the value
of the key; a statement whose variable has no value does not apply, unless the variable gives a
default (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
MiniStack compares the variable's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace as changed
from functools import partial
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "policy_variables"
_VARIABLE = re.compile(r"\$\{([^,}]+?)(?:\s*,\s*'([^']*)')?\s*\}")
_LITERALS = frozenset("*?$")


class _NoValueError(Exception):
    """A variable has neither a value nor a default."""


def install(_settings: CloudSettings) -> None:
    """Replace variables before a statement is matched."""
    from ministack.core import iam_evaluator

    expect(_GAP, iam_evaluator, "_resolve_condition_key")

    def first_match(
        original: Callable[..., Any], ctx: Any, stmts: Iterable[Any], effect: str
    ) -> Any:
        statements = _replaced(stmts, lambda key: iam_evaluator._resolve_condition_key(key, ctx))
        return original(ctx, list(statements), effect)

    replace(
        _GAP,
        iam_evaluator,
        "_first_match",
        ("ctx", "stmts", "effect"),
        partial(partial, first_match),
    )


def _replaced(statements: Iterable[Any], value_of: Callable[[str], Any]) -> Iterator[Any]:
    for statement in statements:
        parts = (statement.resources, statement.not_resources, statement.conditions)
        if not any(map(_has_variable, parts)):
            yield statement
            continue
        try:
            yield changed(
                statement,
                resources=_in(statement.resources, value_of),
                not_resources=_in(statement.not_resources, value_of),
                conditions=_in(statement.conditions, value_of),
            )
        except _NoValueError:
            continue


def _has_variable(value: Any) -> bool:
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(map(_has_variable, value.values()))
    return isinstance(value, list) and any(map(_has_variable, value))


def _in(value: Any, value_of: Callable[[str], Any]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _value(match[1], match[2], value_of), value)
    if isinstance(value, list):
        return [_in(each, value_of) for each in value]
    if isinstance(value, dict):
        return {key: _in(each, value_of) for key, each in value.items()}
    return value


def _value(key: str, default: str | None, value_of: Callable[[str], Any]) -> str:
    if key in _LITERALS:
        return key
    found = value_of(key)
    if found is None or isinstance(found, list):
        found = default
    if found is None:
        raise _NoValueError(key)
    return str(found)
