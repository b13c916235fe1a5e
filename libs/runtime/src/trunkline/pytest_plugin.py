"""Fixtures for the tests of services; the repository's root conftest.py names this module.

``harness`` is the service that the tests belong to, running, with nothing stored::

    def test_an_order_is_placed(harness: ServiceHarness) -> None:
        assert harness.call("POST", "/orders", {...}).status == 201

With ``--local-cloud ENDPOINT`` the same tests run on the platform of ``./dev up``. Those that need
what only an AWS of their own can give (faults, neighbours of their own) are skipped there.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trunkline.errors import NotInThisCloud

if TYPE_CHECKING:
    from trunkline import Service
    from trunkline.testing import ServiceHarness
    from trunkline.testing.cloud import Cloud

MANIFEST = "service.json"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--local-cloud``."""
    parser.addoption(
        "--local-cloud",
        metavar="ENDPOINT",
        help="run services' tests on the platform that runs at this address, with its roles, "
        "tables and queues (which are emptied); the administrator's keys and the region come "
        "from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Skip a test that needs what this cloud does not have, with the reason."""
    with _skipping():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup() -> Generator[None, object, object]:
    """The same for what a fixture asks for."""
    with _skipping():
        return (yield)


@contextmanager
def _skipping() -> Iterator[None]:
    try:
        yield
    except NotInThisCloud as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """Where services' resources are: in this process, or in the cloud of ``--local-cloud``."""
    endpoint: str | None = request.config.getoption("--local-cloud")
    if endpoint is None:
        from trunkline.testing.aws.in_process import MotoCloud

        yield MotoCloud()
        return
    from trunkline.testing.aws.running import RunningCloud

    running = RunningCloud(endpoint.rstrip("/"))
    yield running
    running.close()


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Service:
    """The service that the test belongs to: that of the nearest ``service.json`` above it."""
    from trunkline.declaration.entry import load_service

    for folder in request.path.parents:
        if (folder / MANIFEST).is_file():
            return load_service(json.loads(Path(folder, MANIFEST).read_text())["entry"])
    raise LookupError(f"no {MANIFEST} above {request.path}: define a fixture `service`")


@pytest.fixture
def harness(service: Service, cloud: Cloud) -> Iterator[ServiceHarness]:
    """The service, running, with nothing stored."""
    from trunkline.testing import ServiceHarness

    with ServiceHarness(service, cloud) as running:
        yield running
