"""Contract of the gap ``root_keys``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]


def test_administrator_is_an_iam_user(client: Client, cloud: LocalCloud) -> None:
    """The cloud's first key belongs to the IAM user administrator, not to root."""
    identity = client("sts").get_caller_identity()
    assert f"arn:aws:iam::{cloud.account_id}:user/administrator" == identity["Arn"]


@pytest.mark.parametrize(
    "access_key", ["test", "000000000000", "123456789012", "AKIAIOSFODNN7EXAMPLE"]
)
@pytest.mark.parametrize(
    ("service", "call"), [("sqs", "list_queues"), ("s3", "list_buckets"), ("iam", "list_users")]
)
def test_root_like_keys_are_unknown(
    client: Client, access_key: str, service: str, call: str
) -> None:
    """A key that this cloud did not issue is refused, whatever it looks like."""
    with pytest.raises(ClientError) as refusal:
        getattr(client(service, aws_access_key_id=access_key, aws_secret_access_key="test"), call)()
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_wrong_secret_is_refused(client: Client) -> None:
    """A known key with another secret fails the signature check."""
    with pytest.raises(ClientError, match="signature"):
        client("sqs", aws_secret_access_key="wrong").list_queues()


@pytest.mark.parametrize(
    ("service", "call"),
    [("sqs", "list_queues"), ("s3", "list_buckets"), ("dynamodb", "list_tables")],
)
def test_unsigned_requests_are_refused(client: Client, service: str, call: str) -> None:
    """A request without a signature is refused."""
    with pytest.raises(ClientError) as refusal:
        getattr(client(service, config=Config(signature_version=UNSIGNED)), call)()
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


@pytest.mark.parametrize(
    "path", ["/_ministack/reset", "/_ministack/config", "/_localstack/health", "/health"]
)
def test_emulator_administration_is_closed(
    http: urllib3.PoolManager, cloud: LocalCloud, path: str
) -> None:
    """Nothing of the emulator's own administration is reachable."""
    assert http.request("POST", cloud.endpoint + path, body=b"{}").status == 403
