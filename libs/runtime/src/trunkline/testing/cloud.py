"""What a harness runs a service against: an AWS in this process, or one that runs elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from trunkline.aws import clients
from trunkline.manifest.model import Manifest


@dataclass(frozen=True)
class Email:
    """An e-mail that was handed to SES."""

    sender: str
    to: str
    subject: str
    body: str
    """The HTML part if there was one, else the text."""


class Cloud(Protocol):
    """An AWS with the resources of services."""

    environment: str
    """Part of the names of all resources."""
    in_process: bool
    """Whether it is this test's alone: faults, neighbours and secrets are the test's to choose."""

    def serving(self, manifest: Manifest) -> AbstractContextManager[None]:
        """The resources of one service, empty, and the variables that its functions find."""
        ...

    def inside(self, function: str) -> AbstractContextManager[None]:
        """What the code of one function sees: its variables, and its role's credentials."""
        ...

    def client(self, service: str) -> Any:
        """A client of an AWS service with an operator's rights."""
        ...

    def hidden_for(self, queue: str, receipt_handle: str) -> float:
        """Seconds until a message that was received comes back."""
        ...

    def emails(self) -> list[Email]:
        """The e-mails handed to SES since the service was served, the oldest first."""
        ...


@contextmanager
def surroundings(variables: Mapping[str, str], made: clients.Clients) -> Iterator[None]:
    """Set environment variables and AWS clients for the length of a block."""
    before, others = dict(os.environ), clients.use(made)
    for name in before:
        if name.startswith("TRUNKLINE_") or name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        clients.use(others)
