"""Log groups."""

from __future__ import annotations

from cdktn_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.policy import Statement

__all__ = ["LogGroup"]


class LogGroup(Construct):
    """A log group, encrypted, kept for the environment's ``log_retention_days``."""

    def __init__(
        self, scope: Construct, id_: str, *, aws: Aws, name: str, key: EncryptionKey
    ) -> None:
        super().__init__(scope, id_)
        self.name = name
        self.arn = aws.arn("logs", f"log-group:{name}")
        self.resource = CloudwatchLogGroup(
            self,
            "this",
            name=name,
            retention_in_days=aws.settings.log_retention_days,
            kms_key_id=key.arn,
        )

    def grant_write(self, grantee: Grantee) -> None:
        """Let the grantee write to streams of this group; it cannot create groups."""
        grantee.allow(
            Statement(
                sid="WriteLogs",
                actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                # Streams are named by AWS when a function's instance starts.
                resources=(f"{self.arn}:log-stream:*",),
            )
        )
