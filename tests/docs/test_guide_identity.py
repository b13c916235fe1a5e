"""The code in the guide to identity works as it is printed."""

from __future__ import annotations

from typing import Any

import pytest

SOURCES = ("services/wishes/src", "services/wishes/contract/src")


@pytest.fixture
def clone(written: Any) -> Any:
    """A folder with every file that the guide prints."""
    return written("identity.md", SOURCES)


def test_the_guides_tests_pass(clone: Any) -> None:
    """Rules, ownership and a container's front do what the guide says, with warnings as errors."""
    clone.passes("-m", "pytest", "-W", "error", "services/wishes/tests")


def test_the_guides_code_is_typed(clone: Any) -> None:
    """mypy --strict has nothing to say about it."""
    clone.passes("-m", "mypy", "--strict", *SOURCES)


def test_the_guides_code_is_in_our_style(clone: Any) -> None:
    """ruff has nothing to mend, neither in the code nor in its format."""
    clone.is_in_our_style("trunkline", "wishes", "wishes_contract")
