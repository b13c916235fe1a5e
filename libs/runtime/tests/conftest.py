"""What the tests of the runtime share: a sample service and its harness."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "sample"))

from trunkline.testing import ServiceHarness


@pytest.fixture
def shop() -> Iterator[ServiceHarness]:
    """The sample service, running."""
    from shop_service import effects, service

    effects.reset()
    with ServiceHarness(service) as harness:
        yield harness
