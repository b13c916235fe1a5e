"""One cloud for the whole test session, and clients for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config

from trunkline_localcloud import CloudSettings, LocalCloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud on a free port, for the whole session."""
    settings = CloudSettings(port=0, state_dir=tmp_path_factory.mktemp("cloud"))
    with LocalCloud.start(settings) as running:
        yield running


@pytest.fixture(scope="session")
def client(cloud: LocalCloud) -> Iterator[Callable[..., Any]]:
    """Makes a boto3 client as the administrator; keywords override its arguments."""
    made = []

    def make(service: str, **overrides: Any) -> Any:
        arguments: dict[str, Any] = {
            "endpoint_url": cloud.endpoint,
            "region_name": cloud.region,
            "aws_access_key_id": cloud.admin_access_key,
            "aws_secret_access_key": cloud.admin_secret_key,
            "config": Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        }
        made.append(boto3.client(service, **{**arguments, **overrides}))  # type: ignore[call-overload]
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def http() -> Iterator[urllib3.PoolManager]:
    """A plain HTTP client."""
    with urllib3.PoolManager(retries=False) as pool:
        yield pool
