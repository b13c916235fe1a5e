"""AWS clients: one for each AWS service in a process, made on first use."""

from __future__ import annotations

import os
import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials

from trunkline.errors import EnvironmentIncomplete

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=4,  # below every function's timeout, so that a hanging call ends as an error
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=10,
)
_lock = threading.Lock()
_session: boto3.session.Session | None = None
_clients: dict[str, Any] = {}


def client(name: str) -> Any:
    """The process's client of an AWS service, for example ``dynamodb``."""
    found = _clients.get(name)
    if found is None:
        with _lock:
            found = _clients.get(name)
            if found is None:
                found = _get_session().client(name, region_name=_region(), config=_CONFIG)
                _clients[name] = found
    return found


def credentials() -> ReadOnlyCredentials:
    """The credentials of the function's role as they are now: boto3 renews them before they end.

    Raises:
        EnvironmentIncomplete: there are none.
    """
    with _lock:
        found = _get_session().get_credentials()
    if found is None:
        raise EnvironmentIncomplete("AWS_ACCESS_KEY_ID")
    return found.get_frozen_credentials()


def region() -> str:
    """The region that the function runs in.

    Raises:
        EnvironmentIncomplete: nothing says which.
    """
    found = _region() or _get_session().region_name
    if found is None:
        raise EnvironmentIncomplete("AWS_REGION")
    return str(found)


def reset() -> None:
    """Forget session and clients, as a test kit does when its surroundings change."""
    global _session
    with _lock:
        _session = None
        _clients.clear()


def _region() -> str | None:
    return os.environ.get("AWS_REGION")


def _get_session() -> boto3.session.Session:
    global _session
    if _session is None:
        _session = boto3.session.Session()
    return _session
