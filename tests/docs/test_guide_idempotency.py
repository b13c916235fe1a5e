"""The code in the guide to idempotency works as it is printed."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def clone(written: Any) -> Any:
    """A folder with every file that the guide prints."""
    return written("idempotency.md", (".",))


def test_the_guides_tests_pass(clone: Any) -> None:
    """A repeated request gets the first answer, with warnings as errors."""
    clone.passes("-m", "pytest", "-W", "error", "test_coupons.py")


def test_the_guides_code_is_typed_and_in_our_style(clone: Any) -> None:
    """mypy --strict and ruff have nothing to say about it."""
    # As in our contracts, whose operations have no body.
    bodies = ("--disable-error-code", "empty-body")
    clone.passes("-m", "mypy", "--strict", *bodies, "coupons.py")
    clone.is_in_our_style("trunkline", "coupons", checked=("coupons.py",))
