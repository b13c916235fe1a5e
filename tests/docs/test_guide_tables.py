"""The code in the guide to tables works as it is printed."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def clone(written: Any) -> Any:
    """A folder with every file that the guide prints."""
    return written("tables.md", (".",))


def test_the_guides_tests_pass(clone: Any) -> None:
    """Transactions, conditions, pages and times do what the guide says, warnings are errors."""
    clone.passes("-m", "pytest", "-W", "error", "test_library.py")


def test_the_guides_code_is_typed_and_in_our_style(clone: Any) -> None:
    """mypy --strict and ruff have nothing to say about it."""
    # As in our contracts, whose operations have no body.
    bodies = ("--disable-error-code", "empty-body")
    clone.passes("-m", "mypy", "--strict", *bodies, "library.py")
    clone.is_in_our_style("trunkline", "library", checked=("library.py",))
