"""The code in the guide to events and tasks works as it is printed."""

from __future__ import annotations

from typing import Any

import pytest

SOURCES = ("services/parcels/src", "services/parcels/contract/src")


@pytest.fixture
def clone(written: Any) -> Any:
    """A folder with every file that the guide prints."""
    return written("events.md", SOURCES)


def test_the_guides_tests_pass(clone: Any) -> None:
    """Versions, order, stale events and delays do what the guide says, with warnings as errors."""
    result = clone.run("-m", "pytest", "-W", "error", "services/parcels/tests")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_guides_code_is_typed(clone: Any) -> None:
    """mypy --strict has nothing to say about it."""
    result = clone.run("-m", "mypy", "--strict", *SOURCES)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_guides_code_is_in_our_style(clone: Any) -> None:
    """ruff has nothing to mend, neither in the code nor in its format."""
    neighbours = 'lint.isort.known-first-party = ["trunkline", "parcels", "parcels_contract"]'
    for command in (("check", "--config", neighbours), ("format", "--check")):
        result = clone.run("-m", "ruff", *command, "--no-cache")
        assert result.returncode == 0, result.stdout + result.stderr
