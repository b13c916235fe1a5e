"""How gap modules change MiniStack: loudly when it no longer looks as they expect."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, MutableMapping
from types import ModuleType
from typing import Any

from trunkline_localcloud.errors import GapMoved

__all__ = ["expect", "replace", "replace_entry"]


def expect(
    gap: str, owner: ModuleType | type, name: str, parameters: tuple[str, ...] | None = None
) -> Any:
    """The attribute ``name`` of ``owner``, checked to be what the gap was written for.

    Args:
        gap: Name of the gap module, for the error.
        owner: Module or class of MiniStack.
        name: Attribute that must exist.
        parameters: Exact parameter names, when it must be a function of that signature.

    Raises:
        GapMoved: the attribute is missing or its signature differs.
    """
    if not hasattr(owner, name):
        raise GapMoved(gap, f"{owner.__name__}.{name} is missing")
    found = getattr(owner, name)
    if parameters is not None and tuple(inspect.signature(found).parameters) != parameters:
        raise GapMoved(
            gap,
            f"{owner.__name__}.{name}{inspect.signature(found)} is not ({', '.join(parameters)})",
        )
    return found


def replace(
    gap: str,
    owner: ModuleType | type,
    name: str,
    parameters: tuple[str, ...],
    make: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> None:
    """Replace the function ``owner.name`` by ``make(original)``, after ``expect``.

    The replacement has the signature of the original, so that several gaps can patch one function.

    Raises:
        GapMoved: the function is missing or its signature differs.
    """
    original = expect(gap, owner, name, parameters)
    setattr(owner, name, _posing_as(original, make(original)))


def replace_entry(
    gap: str,
    table: MutableMapping[str, Callable[..., Any]],
    name: str,
    parameters: tuple[str, ...],
    make: Callable[[Callable[..., Any]], Callable[..., Any]],
) -> None:
    """Replace the handler of an operation in a dispatch table by ``make(original)``.

    Raises:
        GapMoved: the table lacks the operation or its handler's signature differs.
    """
    if name not in table:
        raise GapMoved(gap, f"no handler of {name}")
    original = table[name]
    if tuple(inspect.signature(original).parameters) != parameters:
        raise GapMoved(gap, f"handler of {name}{inspect.signature(original)} has moved")
    table[name] = _posing_as(original, make(original))


def _posing_as(original: Callable[..., Any], replacement: Callable[..., Any]) -> Callable[..., Any]:
    return functools.update_wrapper(replacement, original)
