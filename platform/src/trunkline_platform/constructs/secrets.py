"""Containers for secret values; Terraform never knows a value."""

from __future__ import annotations

from cdktn_provider_aws.secretsmanager_secret import SecretsmanagerSecret
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.policy import Statement

__all__ = ["Secret"]


class Secret(Construct):
    """A secret without a value, encrypted with the data key.

    Deleted, it can be restored for 30 days where the environment keeps its data, else not at all.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        name: str,
        description: str,
        key: EncryptionKey,
    ) -> None:
        super().__init__(scope, id_)
        self.name = name
        self._key = key
        self.resource = SecretsmanagerSecret(
            self,
            "this",
            name=name,
            description=description,
            kms_key_id=key.arn,
            recovery_window_in_days=30 if aws.settings.keep_data else 0,
        )

    def grant_read(self, grantee: Grantee) -> None:
        """Let the grantee read the current value."""
        grantee.allow(
            Statement(
                sid="ReadSecrets",
                actions=("secretsmanager:GetSecretValue",),
                resources=(self.resource.arn,),
            )
        )
        self._key.grant_decrypt(grantee, through="secretsmanager")

    def grant_rotate(self, grantee: Grantee) -> None:
        """Let the grantee add versions and say which of them is current.

        https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
        """
        arn = self.resource.arn
        grantee.allow(
            Statement(
                sid="RotateSecrets",
                actions=(
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ),
                resources=(arn,),
            )
        )
        self._key.grant_encrypt(grantee, through="secretsmanager", context={"SecretARN": arn})
