"""AWS clients: one for each AWS service in a process, made on first use.

Of botocore alone: boto3 would import its resources and S3's transfers with it.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.session import Session

from trunkline.errors import EnvironmentIncomplete

_CONFIG = Config(
    connect_timeout=1,
    read_timeout=4,  # below every function's timeout, so that a hanging call ends as an error
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=10,
)
_QUICK = _CONFIG.merge(
    Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2})
)
_CONFIGS = {"ssm": _QUICK}
"""Parameters are looked up while a request waits, and what was read before still serves: better no
answer soon than one too late."""


class Clients:
    """A session and the clients made from it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._clients: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        """The client of an AWS service, made on first use."""
        found = self._clients.get(name)
        if found is None:
            with self._lock:
                found = self._clients.get(name)
                if found is None:
                    found = self.session().create_client(
                        name, region_name=_region(), config=_CONFIGS.get(name, _CONFIG)
                    )
                    self._clients[name] = found
        return found

    def session(self) -> Session:
        """The session, made on first use."""
        if self._session is None:
            self._session = Session()
        return self._session

    def forget_session(self) -> None:
        """Take a new session next time; the clients keep theirs, and renew by themselves."""
        with self._lock:
            self._session = None

    def reset(self) -> None:
        """Forget session and clients."""
        with self._lock:
            self._session = None
            self._clients.clear()


_active = Clients()


def client(name: str) -> Any:
    """The process's client of an AWS service, for example ``dynamodb``."""
    return _active.get(name)


def credentials() -> ReadOnlyCredentials:
    """The credentials of the function's role as they are now: botocore renews them before they end.

    Raises:
        EnvironmentIncomplete: there are none.
    """
    found = _active.session().get_credentials()
    if found is None:
        raise EnvironmentIncomplete("AWS_ACCESS_KEY_ID")
    return found.get_frozen_credentials()


def renew_credentials() -> None:
    """Look for the role's credentials anew, as AWS has just called those that we had expired."""
    _active.forget_session()


def region() -> str:
    """The region that the function runs in.

    Raises:
        EnvironmentIncomplete: nothing says which.
    """
    found = _region() or _active.session().get_config_variable("region")
    if found is None:
        raise EnvironmentIncomplete("AWS_REGION")
    return str(found)


def reset() -> None:
    """Forget session and clients, as a test does when its surroundings change."""
    _active.reset()


def use(clients: Clients) -> Clients:
    """Make other clients the process's; returns those before, so that a test can put them back."""
    global _active
    before, _active = _active, clients
    return before


def _region() -> str | None:
    return os.environ.get("AWS_REGION")
