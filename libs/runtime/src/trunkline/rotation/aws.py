"""Versions of secrets in Secrets Manager."""

from __future__ import annotations

from botocore.exceptions import ClientError

from trunkline.aws.clients import client
from trunkline.rotation.program import CURRENT, PENDING, Described


class SecretsManagerVersions:
    """The :class:`trunkline.rotation.program.Versions` of a running function."""

    def describe(self, secret: str) -> Described:
        """The labels of a secret's versions."""
        answer = client("secretsmanager").describe_secret(SecretId=secret)
        return Described(
            name=answer["Name"],
            rotating=bool(answer.get("RotationEnabled")),
            stages={
                version: frozenset(stages)
                for version, stages in answer.get("VersionIdsToStages", {}).items()
            },
        )

    def value(self, secret: str, version: str) -> str | None:
        """A version's value."""
        try:
            answer = client("secretsmanager").get_secret_value(SecretId=secret, VersionId=version)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return str(answer["SecretString"])

    def put_pending(self, secret: str, version: str, value: str) -> None:
        """Give a version its value."""
        try:
            client("secretsmanager").put_secret_value(
                SecretId=secret,
                ClientRequestToken=version,
                SecretString=value,
                VersionStages=[PENDING],
            )
        except ClientError as error:
            # An attempt beside this one was first. Its value counts.
            if error.response["Error"]["Code"] != "ResourceExistsException":
                raise

    def make_current(self, secret: str, version: str, *, instead_of: str) -> None:
        """Move ``AWSCURRENT``; it is refused if that label has moved meanwhile."""
        client("secretsmanager").update_secret_version_stage(
            SecretId=secret,
            VersionStage=CURRENT,
            MoveToVersionId=version,
            RemoveFromVersionId=instead_of,
        )
