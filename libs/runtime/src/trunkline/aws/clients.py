"""AWS clients: one for each AWS service in a process, made on first use."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from trunkline.aws import dynamodb, surroundings
from trunkline.aws.sigv4 import Credentials
from trunkline.aws.transport import Connections, Transport
from trunkline.errors import EnvironmentIncomplete

if TYPE_CHECKING:
    from botocore.session import Session


class Clients:
    """The clients of a process.

    DynamoDB is spoken to directly; every other client is botocore's, which is imported only then.

    Args:
        transport: carries what is not botocore's; the network by default.
    """

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport: Transport = transport or Connections()
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._clients: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        """The client of an AWS service, made on first use."""
        found = self._clients.get(name)
        if found is None:
            with self._lock:
                found = self._clients.get(name)
                if found is None:
                    found = self._made(name)
                    self._clients[name] = found
        return found

    def session(self) -> Session:
        """Botocore's session, made on first use."""
        with self._lock:
            if self._session is None:
                from botocore.session import get_session  # importing it takes 150 ms

                self._session = get_session()
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
            self._transport.close()

    def credentials(self) -> Credentials:
        """The credentials of the role as they are now.

        Raises:
            EnvironmentIncomplete: there are none.
        """
        given = surroundings.credentials_of_environment()
        if given is not None:
            return given
        found = self.session().get_credentials()  # renews them before they end
        if found is None:
            raise EnvironmentIncomplete("AWS_ACCESS_KEY_ID")
        frozen = found.get_frozen_credentials()
        return Credentials(str(frozen.access_key), str(frozen.secret_key), frozen.token)

    def region(self) -> str:
        """The region that this process works in.

        Raises:
            EnvironmentIncomplete: nothing says which.
        """
        found = os.environ.get("AWS_REGION") or self.session().get_config_variable("region")
        if found is None:
            raise EnvironmentIncomplete("AWS_REGION")
        return str(found)

    def _made(self, name: str) -> Any:
        if name != dynamodb.SERVICE:
            return self._botocore(name)
        region = self.region()
        endpoint = surroundings.endpoint_of(name, region) or self._botocore(name).meta.endpoint_url
        return dynamodb.DynamoClient(endpoint, region, self.credentials, self._transport)

    def _botocore(self, name: str) -> Any:
        from trunkline.aws.configuration import config_of  # imports botocore

        return self.session().create_client(name, region_name=self.region(), config=config_of(name))


_active = Clients()


def client(name: str) -> Any:
    """The process's client of an AWS service, for example ``dynamodb``."""
    return _active.get(name)


def credentials() -> Credentials:
    """The credentials of the function's role as they are now.

    Raises:
        EnvironmentIncomplete: there are none.
    """
    return _active.credentials()


def renew_credentials() -> None:
    """Look for the role's credentials anew, as AWS has just called those that we had expired."""
    _active.forget_session()


def region() -> str:
    """The region that the function runs in.

    Raises:
        EnvironmentIncomplete: nothing says which.
    """
    return _active.region()


def reset() -> None:
    """Forget session and clients, as a test does when its surroundings change."""
    _active.reset()


def use(clients: Clients) -> Clients:
    """Make other clients the process's; returns those before, so that a test can put them back."""
    global _active
    before, _active = _active, clients
    return before
