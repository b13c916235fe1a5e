"""The code in the guide to calls works as it is printed."""

from __future__ import annotations

from typing import Any

import pytest

SOURCES = (
    "services/kiosk/src",
    "services/kiosk/contract/src",
    "services/depot/contract/src",
)


@pytest.fixture
def clone(written: Any) -> Any:
    """A folder with every file that the guide prints."""
    return written("calls.md", SOURCES)


def test_the_guides_tests_pass(clone: Any) -> None:
    """Calls degrade, are repeated and held back as the guide says, with warnings as errors."""
    clone.passes("-m", "pytest", "-W", "error", "services/kiosk/tests")


def test_the_guides_code_is_typed(clone: Any) -> None:
    """mypy --strict has nothing to say about it but that operations have no body."""
    relaxed = "--disable-error-code=empty-body"
    clone.passes("-m", "mypy", "--strict", relaxed, *SOURCES)


def test_the_guides_code_is_in_our_style(clone: Any) -> None:
    """ruff has nothing to mend, neither in the code nor in its format."""
    ours = '["trunkline", "kiosk", "kiosk_contract", "depot_contract"]'
    known = f"lint.isort.known-first-party = {ours}"
    for command in (("check", "--config", known), ("format", "--check")):
        result = clone.run("-m", "ruff", *command, "--no-cache")
        assert result.returncode == 0, result.stdout + result.stderr
