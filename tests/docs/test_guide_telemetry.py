"""The code in the guide to telemetry works as it is printed, and its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from trunkline.telemetry.metrics import FIXED

SOURCES = ("services/parcels/src", "services/parcels/contract/src")
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "telemetry.md"


@pytest.fixture
def clone(written: Any) -> Any:
    """A folder with every file that the guide prints."""
    return written("telemetry.md", SOURCES)


def test_the_guides_tests_pass(clone: Any) -> None:
    """Counting, tracing and masking do what the guide says, with warnings as errors."""
    clone.passes("-m", "pytest", "-W", "error", "services/parcels/tests")


def test_the_guides_code_is_typed(clone: Any) -> None:
    """mypy --strict has nothing to say about it."""
    clone.passes("-m", "mypy", "--strict", *SOURCES)


def test_the_guides_code_is_in_our_style(clone: Any) -> None:
    """ruff has nothing to mend, neither in the code nor in its format."""
    clone.is_in_our_style("trunkline", "parcels", "parcels_contract")


def test_the_guide_names_every_metric_and_its_unit() -> None:
    """The table is the set that every handler has."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| .+ \|$", GUIDE.read_text(), re.MULTILINE)
    assert dict(rows) == FIXED
