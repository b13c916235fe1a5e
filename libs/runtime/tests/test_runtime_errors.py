"""The tree of errors is what its docstring says, and every package exports what it lists."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pytest

import trunkline
from trunkline import errors
from trunkline.attempt import Attempt, reason, retryable
from trunkline.errors import Conflict, LockLost, NotFound, Problem, PublishFailed, Rejected

INDENT = 4


def test_docstring_shows_the_tree() -> None:
    """Every error stands in the docstring below its base, and nothing else does."""
    documented: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ([│ ├└─]*)([A-Z][A-Za-z]+)", line)
        if match:
            depth = len(match.group(1)) // INDENT
            path = [*path[:depth], match.group(2)]
            documented[match.group(2)] = path[-2] if depth else "Exception"
    actual = {
        name: kind.__mro__[1].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    }
    assert documented == actual


def test_every_package_exports_what_it_lists() -> None:
    """Each name in __all__ exists, once."""
    names = [trunkline.__name__] + [
        module.name
        for module in pkgutil.walk_packages(trunkline.__path__, "trunkline.")
        if module.ispkg
    ]
    for name in names:
        package = importlib.import_module(name)
        exported = getattr(package, "__all__", [])
        assert len(exported) == len(set(exported))
        for one in exported:
            assert hasattr(package, one), f"{name}.{one}"


def test_problem_types_are_urns_of_their_names() -> None:
    """A problem's type is stable and readable."""
    assert NotFound.type_uri() == "urn:trunkline:problem:not-found"
    assert Problem.type_uri() == "urn:trunkline:problem:problem"


def test_errors_carry_facts() -> None:
    """Whoever catches an error need not read its text."""
    conflict = Conflict("changed", retry_after=2, retryable=False)
    assert (conflict.retry_after, conflict.retryable, str(conflict)) == (2, False, "changed")
    assert PublishFailed(["a: b"]).failures == ("a: b",)
    assert LockLost("k").key == "k"


def test_attempt_keeps_errors_and_lets_interrupts_pass() -> None:
    """An error becomes a value; the end of the process does not."""
    with Attempt() as attempt:
        raise ValueError("x")
    assert isinstance(attempt.error, ValueError)
    with Attempt() as fine:
        pass
    assert fine.error is None
    with pytest.raises(KeyboardInterrupt), Attempt():
        raise KeyboardInterrupt


def test_unknown_errors_may_be_tried_again() -> None:
    """What we cannot judge may pass; what says that it cannot, does not."""
    assert retryable(RuntimeError())
    assert not retryable(Rejected("x"))
    assert reason(RuntimeError()) == "RuntimeError"
    assert reason(NotFound()) == "NotFound: Not found"
