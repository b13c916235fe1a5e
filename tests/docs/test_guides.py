"""The code in the guides works as it is printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from trunkline.manifest import Manifest

ROOT = Path(__file__).parents[2]
SOURCES = ("services/loyalty/src", "services/loyalty/contract/src")


@pytest.fixture
def clone(written: Any) -> Any:
    """A folder with every file that the guide prints."""
    return written("build-a-service.md", SOURCES)


def test_the_guides_service_passes_its_own_test(clone: Any) -> None:
    """What the reader types works, with warnings as errors."""
    clone.passes("-m", "pytest", "-W", "error", "services/loyalty/tests")


def test_the_guides_service_is_typed(clone: Any) -> None:
    """mypy --strict has nothing to say about it."""
    clone.passes("-m", "mypy", "--strict", *SOURCES)


def test_the_guides_service_is_in_our_style(clone: Any) -> None:
    """ruff has nothing to mend, neither in the code nor in its format."""
    clone.is_in_our_style("trunkline", "orders_contract")


def test_the_guides_service_has_the_manifest_that_the_guide_tells(clone: Any) -> None:
    """A table with its outbox, one subscription, three functions, a private API, an event."""
    code = "from loyalty.service import service; print(service.manifest().model_dump_json())"
    result = clone.run("-c", code)
    assert result.returncode == 0, result.stderr
    manifest = Manifest.model_validate_json(result.stdout)
    assert {function.name for function in manifest.functions} == {
        "api",
        "on-order-confirmed",
        "relay",
    }
    assert [s.event for s in manifest.subscriptions] == ["orders.order_confirmed.v1"]
    assert manifest.publishes == ("loyalty.points_earned.v1",)
    assert manifest.api is not None
    assert manifest.api.exposure == "private"
    assert {"earnings", "outbox"} <= {table.name for table in manifest.tables}


def test_every_session_that_a_guide_names_exists() -> None:
    """A guide names no command that ./dev does not have."""
    noxfile = (ROOT / "noxfile.py").read_text()
    for guide in (ROOT / "docs" / "guides").glob("*.md"):
        for command in re.findall(r"\./dev '?([a-z-]+)", guide.read_text()):
            assert re.search(rf'"{command}"|def {command}\(', noxfile), f"{guide.name}: {command}"
