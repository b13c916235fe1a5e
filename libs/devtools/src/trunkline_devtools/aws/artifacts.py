"""Putting bundles where Lambda finds them."""

from __future__ import annotations

from botocore.exceptions import ClientError

from trunkline_devtools.aws.clients import Aws, aws_errors, error_code
from trunkline_devtools.bundles import Bundle

__all__ = ["upload_bundle"]

_ABSENT = {"404", "NoSuchKey", "NotFound"}


def upload_bundle(aws: Aws, bucket: str, bundle: Bundle) -> bool:
    """Upload a bundle unless it is there (its key says its content); whether it was uploaded.

    Raises:
        CloudCallFailed: the bucket refused it.
    """
    s3 = aws.client("s3")
    with aws_errors(f"uploading the bundle of {bundle.service}"):
        try:
            s3.head_object(Bucket=bucket, Key=bundle.key)
        except ClientError as error:
            if error_code(error) not in _ABSENT:
                raise
        else:
            return False
        s3.put_object(Bucket=bucket, Key=bundle.key, Body=bundle.path.read_bytes())
        return True
