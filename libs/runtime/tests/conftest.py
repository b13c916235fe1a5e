"""What the tests of the runtime share: a sample service and its harness."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent / "sample"))

from trunkline.testing import ServiceHarness

# A test says only what is special to it, as its number of steps; how often it runs is said here.
# A shared machine's pauses are no failures, hence no deadline for one example.
settings.register_profile("default", max_examples=200, stateful_step_count=20, deadline=None)
settings.register_profile("nightly", settings.get_profile("default"), max_examples=10_000)
settings.load_profile("default")


@pytest.fixture
def shop() -> Iterator[ServiceHarness]:
    """The sample service, running."""
    from shop_service import effects, service

    effects.reset()
    with ServiceHarness(service) as harness:
        yield harness
