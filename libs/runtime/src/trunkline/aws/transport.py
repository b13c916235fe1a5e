"""HTTP to AWS: connections that are kept open between invocations."""

from __future__ import annotations

import os
import select
import ssl
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

CONNECT_SECONDS = 1.0
READ_SECONDS = 4.0
"""Below every function's timeout, so that a hanging call ends as an error."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class Transport(Protocol):
    """Carries requests; the test kit has one that stays in the process."""

    def send(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a POST.

        Raises:
            OSError: the endpoint cannot be reached, or does not answer in time.
            HTTPException: what it answers is no HTTP.
        """
        ...

    def close(self) -> None:
        """Let go of what is kept between requests."""
        ...


class Connections:
    """The :class:`Transport` of a running function.

    Threads may share it: each takes an idle connection, or opens one.
    """

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[HTTPConnection]] = {}

    def send(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a POST."""
        scheme, host, path, _, _ = urlsplit(url)
        idle = self._idle.setdefault((scheme, host), [])
        connection = self._take(idle) or _open(scheme, host)
        try:
            connection.request("POST", path or "/", body, headers)
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            idle.append(connection)
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, content)

    def close(self) -> None:
        """Close all idle connections."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def _take(self, idle: list[HTTPConnection]) -> HTTPConnection | None:
        """An idle connection that the other side has not closed meanwhile."""
        while idle:
            connection = idle.pop()
            # Nothing is to be read between requests, unless it is the other side's farewell.
            if connection.sock is not None and not select.select([connection.sock], [], [], 0)[0]:
                return connection
            connection.close()
        return None


def _open(scheme: str, host: str) -> HTTPConnection:
    if scheme == "https":
        connection: HTTPConnection = HTTPSConnection(host, timeout=CONNECT_SECONDS, context=_tls())
    else:
        connection = HTTPConnection(host, timeout=CONNECT_SECONDS)
    connection.connect()
    connection.sock.settimeout(READ_SECONDS)
    return connection


@cache
def _tls() -> ssl.SSLContext:
    """Trusts whom botocore trusts: ``AWS_CA_BUNDLE``, else the certificates that it brings."""
    bundle = os.environ.get("AWS_CA_BUNDLE")
    if bundle is None:
        package = find_spec("botocore")
        assert package is not None and package.origin is not None  # noqa: S101, PT018
        bundle = str(Path(package.origin).with_name("cacert.pem"))
    return ssl.create_default_context(cafile=bundle)
