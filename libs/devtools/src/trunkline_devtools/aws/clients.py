"""The one door to AWS: clients for the local cloud or for an environment in AWS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from trunkline_devtools.errors import CloudCallFailed

__all__ = ["Aws", "Credentials", "aws_errors", "error_code"]


class Credentials:
    """Keys, where the caller's own chain of credentials is not to be used."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self.access_key = access_key
        self.secret_key = secret_key


class Aws:
    """Clients of one account and region.

    Args:
        region: The region of every call.
        endpoint: The local cloud's URL; None for AWS itself.
        credentials: Keys; None takes what boto3 finds (profile, variables, instance role).
    """

    def __init__(
        self, region: str, *, endpoint: str | None = None, credentials: Credentials | None = None
    ) -> None:
        self.region = region
        self.endpoint = endpoint
        self.credentials = credentials
        self._session = boto3.Session(
            aws_access_key_id=credentials.access_key if credentials else None,
            aws_secret_access_key=credentials.secret_key if credentials else None,
            region_name=region,
        )
        self._config = Config(
            retries={"mode": "standard", "max_attempts": 4},
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=20,
            s3={"addressing_style": "path"} if endpoint else None,
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service, endpoint_url=self.endpoint, config=self._config
                )
            return self._clients[service]

    def environment(self) -> dict[str, str]:
        """The ``AWS_*`` variables by which another program gets to the same place."""
        variables = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if self.endpoint:
            variables["AWS_ENDPOINT_URL"] = self.endpoint
        if self.credentials:
            variables["AWS_ACCESS_KEY_ID"] = self.credentials.access_key
            variables["AWS_SECRET_ACCESS_KEY"] = self.credentials.secret_key
        return variables


def error_code(error: ClientError) -> str:
    """The code of AWS's answer, for example ``ResourceNotFoundException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn errors of boto3 into one clear line.

    Args:
        doing: What was being done, for example ``writing the secret payments/key``.

    Raises:
        CloudCallFailed: for any of them.
    """
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise CloudCallFailed(f"{doing} failed: {error}") from error
