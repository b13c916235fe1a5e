"""The table of idempotency records in an in-process AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import ClassVar

from moto import mock_aws

from trunkline.aws import clients
from trunkline.testing.aws import MotoTransport

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "eu-central-1",
    "TRUNKLINE_TABLE_IDEMPOTENCY": "records",
}

CLIENTS = clients.Clients(MotoTransport())
"""Made once: making one takes longer than a test."""


@contextmanager
def records_table() -> Iterator[None]:
    """The table that the manifest describes, and the variables that lead to it."""
    before = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    others = clients.use(CLIENTS)
    try:
        with mock_aws():
            clients.client("dynamodb").create_table(
                TableName="records",
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            )
            yield
    finally:
        clients.use(others)
        os.environ.clear()
        os.environ.update(before)


class WithRecordsTable:
    """A test case whose examples share one table: making one for each takes most of the time."""

    _stack: ClassVar[ExitStack]

    @classmethod
    def setUpClass(cls) -> None:
        """Make the table."""
        cls._stack = ExitStack()
        cls._stack.enter_context(records_table())

    @classmethod
    def tearDownClass(cls) -> None:
        """Leave nothing behind."""
        cls._stack.close()
