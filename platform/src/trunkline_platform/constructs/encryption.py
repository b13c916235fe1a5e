"""Customer-managed keys: who may use them, and through which service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cdktn_provider_aws.kms_alias import KmsAlias
from cdktn_provider_aws.kms_key import KmsKey
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.policy import Statement, document

__all__ = [
    "CustomerKey",
    "EncryptionKey",
    "context_condition",
    "logs_statement",
    "service_statement",
]

_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
_USE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
_THIS_KEY = ("*",)  # in a key policy the one resource is the key itself


class EncryptionKey:
    """A key that may live in another root, known by its ARN.

    Its policy leaves to IAM who in the account may use it; these grants say so, each only through
    one AWS service (``kms:ViaService``), or for one encryption context, so that no role can decrypt
    just anything by itself.
    """

    def __init__(self, aws: Aws, arn: str) -> None:
        self.arn = arn
        self._aws = aws

    def grant_decrypt(self, grantee: Grantee, *, through: str) -> None:
        """Let the grantee read what the service ``through`` (for example ``sqs``) encrypted."""
        self._grant(grantee, ("kms:Decrypt",), through, "Decrypt")

    def grant_encrypt(
        self, grantee: Grantee, *, through: str, context: Mapping[str, str] | None = None
    ) -> None:
        """Let the grantee have the service ``through`` encrypt for it.

        SQS, SNS and Secrets Manager ask for both actions:
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
        https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html

        Args:
            context: of what the service encrypts; nothing else can be encrypted or read.
        """
        self._grant(grantee, ("kms:Decrypt", "kms:GenerateDataKey"), through, "Encrypt", context)

    def grant_data_keys(
        self, grantee: Grantee, *, sid: str, action: str, context: Mapping[str, str]
    ) -> None:
        """Let the grantee make or decrypt data keys itself, for one encryption context alone.

        https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-encryption-context
        """
        grantee.allow(
            Statement(
                sid=sid,
                actions=(action,),
                resources=(self.arn,),
                conditions={"StringEquals": context_condition(context)},
            )
        )

    def _grant(
        self,
        grantee: Grantee,
        actions: tuple[str, ...],
        through: str,
        verb: str,
        context: Mapping[str, str] | None = None,
    ) -> None:
        conditions = {"kms:ViaService": self._aws.endpoint_of(through)}
        conditions.update(context_condition(context or {}))
        grantee.allow(
            Statement(
                sid=f"{verb}Through{through.capitalize()}",
                actions=actions,
                resources=(self.arn,),
                conditions={"StringEquals": conditions},
            )
        )


class CustomerKey(Construct):
    """A key that AWS rotates every year, with an alias.

    Its policy: the account administers it; principals of the account whom IAM allows use it
    through the services in ``used_through``; the AWS services that act on their own behalf get
    exactly one statement each (``statements``). It names no role.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        alias: str,
        description: str,
        used_through: Iterable[str] = (),
        statements: Iterable[Statement] = (),
    ) -> None:
        super().__init__(scope, id_)
        services = tuple(used_through)
        policy = [
            Statement(
                sid="AdministeredByTheAccount",
                principal={"AWS": aws.account_principal},
                actions=_ADMINISTRATION,
                resources=_THIS_KEY,
            ),
            *statements,
        ]
        if services:
            policy.append(_use_through(aws, services))
        if "dynamodb" in services:
            policy.append(_grants_of_dynamodb(aws))
        self.resource = KmsKey(
            self,
            "this",
            description=description,
            enable_key_rotation=True,
            deletion_window_in_days=30 if aws.settings.keep_data else 7,
            policy=document(policy),
        )
        KmsAlias(self, "alias", name=alias, target_key_id=self.resource.key_id)
        self.key = EncryptionKey(aws, self.resource.arn)


def service_statement(
    sid: str, service: str, *actions: str, conditions: dict[str, dict[str, str]]
) -> Statement:
    """What an AWS service may do with the key on its own behalf."""
    return Statement(
        sid=sid,
        principal={"Service": f"{service}.amazonaws.com"},
        actions=actions,
        resources=_THIS_KEY,
        conditions=conditions,
    )


def context_condition(context: Mapping[str, str]) -> dict[str, str]:
    """The condition keys of an encryption context, with their values."""
    return {f"kms:EncryptionContext:{name}": value for name, value in context.items()}


def logs_statement(aws: Aws, *log_groups: str) -> Statement:
    """CloudWatch Logs may encrypt the log groups whose names match.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    arns = tuple(aws.arn("logs", f"log-group:{pattern}") for pattern in log_groups)
    return Statement(
        sid="Logs",
        principal={"Service": f"logs.{aws.region}.amazonaws.com"},
        actions=_USE,
        resources=_THIS_KEY,
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arns}},
    )


def _use_through(aws: Aws, services: tuple[str, ...]) -> Statement:
    return Statement(
        sid="UsedThroughServices",
        principal={"AWS": aws.account_principal},
        actions=_USE,
        resources=_THIS_KEY,
        conditions={
            "StringEquals": {
                "kms:CallerAccount": aws.account,
                "kms:ViaService": tuple(aws.endpoint_of(service) for service in services),
            }
        },
    )


def _grants_of_dynamodb(aws: Aws) -> Statement:
    """A table keeps its access to the key by a grant.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    return Statement(
        sid="GrantedToTables",
        principal={"AWS": aws.account_principal},
        actions=("kms:CreateGrant",),
        resources=_THIS_KEY,
        conditions={
            "Bool": {"kms:GrantIsForAWSResource": "true"},
            "StringEquals": {
                "kms:CallerAccount": aws.account,
                "kms:ViaService": aws.endpoint_of("dynamodb"),
            },
        },
    )
