"""The bucket in which the data of large messages waits, and who may use which part of it."""

from __future__ import annotations

from constructs import Construct

from trunkline.manifest import PayloadNeed
from trunkline_platform.aws import Aws
from trunkline_platform.constructs.buckets import Bucket
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.policy import Statement

__all__ = ["grant_payload", "payload_bucket"]


def payload_bucket(scope: Construct, id_: str, *, aws: Aws, key: EncryptionKey) -> Bucket:
    """A bucket whose objects expire once no message can refer to them any more.

    A message waits in a queue for four days and in a dead-letter queue for fourteen; with a margin
    for its redrive that makes thirty (``payload_expiry_days``).
    """
    return Bucket(
        scope,
        id_,
        aws=aws,
        name=aws.payload_bucket,
        key=key,
        expire_days=aws.settings.payload_expiry_days,
    )


def grant_payload(
    grantee: Grantee, *, aws: Aws, service: str, need: PayloadNeed, key: EncryptionKey
) -> None:
    """Let the grantee put, or get, the data of one message; nobody may list or delete.

    Objects are named ``<message>/<sender>/<id>/<digest>``.

    Args:
        service: The grantee's own; it puts data in its own name alone.
    """
    root = f"arn:aws:s3:::{aws.payload_bucket}/{need.message}"
    if need.access == "write":
        statement = Statement(
            sid="PutPayloads", actions=("s3:PutObject",), resources=(f"{root}/{service}/*",)
        )
        key.grant_encrypt(grantee, through="s3")
    else:
        statement = Statement(
            sid="GetPayloads", actions=("s3:GetObject",), resources=(f"{root}/*",)
        )
        key.grant_decrypt(grantee, through="s3")
    grantee.allow(statement)
