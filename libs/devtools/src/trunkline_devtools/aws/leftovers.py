"""What a destroyed environment has left behind."""

from __future__ import annotations

from trunkline_devtools.aws.clients import Aws, aws_errors

__all__ = ["leftovers"]

_PENDING = "PendingDeletion"


def leftovers(aws: Aws, environment: str) -> tuple[str, ...]:
    """ARNs of the resources that still bear the environment's tags.

    A KMS key that waits for its deletion counts as gone: AWS deletes none before a week has passed
    (docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html).

    Raises:
        CloudCallFailed: the caller may not look.
    """
    tagging = aws.client("resourcegroupstaggingapi")
    with aws_errors("looking for leftovers"):
        pages = tagging.get_paginator("get_resources").paginate(
            TagFilters=[
                {"Key": "project", "Values": ["trunkline"]},
                {"Key": "environment", "Values": [environment]},
            ]
        )
        arns = [found["ResourceARN"] for page in pages for found in page["ResourceTagMappingList"]]
        return tuple(arn for arn in sorted(arns) if not _is_going(aws, arn))


def _is_going(aws: Aws, arn: str) -> bool:
    if ":kms:" not in arn:
        return False
    key = aws.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    return bool(key["KeyState"] == _PENDING)
