"""The loopback interface stands for TLS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def test_a_policy_that_demands_tls_admits_requests(client: Callable[..., Any]) -> None:
    """A bucket that denies insecure transport can be used as on AWS, where clients speak TLS."""
    s3 = client("s3")
    s3.create_bucket(
        Bucket="tls-only", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps(policy))

    s3.put_object(Bucket="tls-only", Key="a", Body=b"1")

    assert s3.get_object(Bucket="tls-only", Key="a")["Body"].read() == b"1"


def test_a_policy_that_admits_only_insecure_transport_admits_nobody(
    client: Callable[..., Any],
) -> None:
    """The condition is still evaluated: what is denied on secure transport is denied here."""
    s3 = client("s3")
    s3.create_bucket(
        Bucket="plain-only", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::plain-only/*",
        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket="plain-only", Policy=json.dumps(policy))

    refused = None
    try:
        s3.put_object(Bucket="plain-only", Key="a", Body=b"1")
    except s3.exceptions.ClientError as error:
        refused = error.response["Error"]["Code"]

    assert refused == "AccessDenied"
