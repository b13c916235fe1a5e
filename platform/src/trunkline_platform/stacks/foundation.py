"""What every other root but the network stands on: key, artifacts, audit trail, alarm topic."""

from __future__ import annotations

from cdktn_provider_aws.api_gateway_account import ApiGatewayAccount
from cdktn_provider_aws.cloudtrail import Cloudtrail
from cdktn_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from trunkline.manifest import variables
from trunkline.manifest.names import PROJECT
from trunkline_platform.constructs import parameters
from trunkline_platform.constructs.buckets import Bucket
from trunkline_platform.constructs.encryption import (
    CustomerKey,
    EncryptionKey,
    context_condition,
    logs_statement,
    service_statement,
)
from trunkline_platform.constructs.identity import Role
from trunkline_platform.constructs.topics import Topic
from trunkline_platform.policy import Statement
from trunkline_platform.roots import FOUNDATION
from trunkline_platform.settings import EnvironmentSettings
from trunkline_platform.stacks.base import RootStack

__all__ = ["FoundationStack"]


class FoundationStack(RootStack):
    """Key, artifact bucket, audit trail, alarm topic and API Gateway's log role."""

    def __init__(self, scope: Construct, settings: EnvironmentSettings) -> None:
        super().__init__(scope, FOUNDATION, settings)
        key = self._data_key()
        Bucket(
            self,
            "artifacts",
            aws=self.aws,
            name=self.aws.artifact_bucket,
            key=key,
            expire_superseded_days=settings.artifact_expiry_days,
        )
        self._trail(key)
        self._alarm_topic(key)
        self._api_logs()
        parameters.publish(
            self,
            "parameter-data-key-arn",
            self.aws.parameter(FOUNDATION, "data-key-arn"),
            key.arn,
            "Key that encrypts the services' data and logs",
        )
        parameters.publish(
            self,
            "parameter-artifact-bucket",
            self.aws.parameter(FOUNDATION, "artifact-bucket"),
            self.aws.artifact_bucket,
            "Where bundles are put before they are deployed",
        )

    def _data_key(self) -> EncryptionKey:
        """One key for all services' data.

        It admits AWS services by the names of what they act for, so a new service changes nothing.
        """
        aws = self.aws
        prefix = f"{PROJECT}-{aws.environment}-"

        by_alarms = {
            "StringEquals": {"aws:SourceAccount": aws.account},
            "ArnLike": {"aws:SourceArn": aws.arn("cloudwatch", f"alarm:{prefix}*")},
        }
        use = ("kms:Decrypt", "kms:GenerateDataKey")
        trail_context = "kms:EncryptionContext:aws:cloudtrail:arn"
        return CustomerKey(
            self,
            "data-key",
            aws=aws,
            alias=f"alias/{prefix}data",
            description=f"Data of the services in {aws.environment}",
            used_through=("dynamodb", "s3", "secretsmanager"),
            statements=(
                logs_statement(aws, f"/aws/lambda/{prefix}*", f"/aws/apigateway/{prefix}*"),
                # Functions that encrypt fields of tables; their roles say of which.
                Statement(
                    sid="FieldsOfTables",
                    principal={"AWS": aws.account_principal},
                    actions=use,
                    resources=("*",),
                    conditions={
                        "StringEquals": {"kms:CallerAccount": aws.account},
                        "StringLike": context_condition(variables.encryption_context("*", "*")),
                    },
                ),
                # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
                service_statement("Alarms", "cloudwatch", *use, conditions=by_alarms),
                # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
                service_statement(
                    "TrailLooks",
                    "cloudtrail",
                    "kms:DescribeKey",
                    conditions={"StringEquals": {"aws:SourceArn": aws.trail_arn}},
                ),
                service_statement(
                    "Trail",
                    "cloudtrail",
                    "kms:GenerateDataKey",
                    conditions={
                        "StringEquals": {
                            "aws:SourceArn": aws.trail_arn,
                            trail_context: aws.trail_arn,
                        }
                    },
                ),
            ),
        ).key

    def _trail(self, key: EncryptionKey) -> None:
        """The audit trail of every region, in a bucket of its own.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
        """
        arn = f"arn:aws:s3:::{self.aws.trail_bucket}"
        by_trail = {"aws:SourceArn": self.aws.trail_arn}
        service = {"Service": "cloudtrail.amazonaws.com"}
        bucket = Bucket(
            self,
            "trail-bucket",
            aws=self.aws,
            name=self.aws.trail_bucket,
            key=key,
            statements=(
                Statement(
                    sid="TrailChecks",
                    principal=service,
                    actions=("s3:GetBucketAcl",),
                    resources=(arn,),
                    conditions={"StringEquals": by_trail},
                ),
                Statement(
                    sid="TrailWrites",
                    principal=service,
                    actions=("s3:PutObject",),
                    resources=(f"{arn}/AWSLogs/{self.aws.account}/*",),
                    conditions={
                        "StringEquals": {**by_trail, "s3:x-amz-acl": "bucket-owner-full-control"}
                    },
                ),
            ),
        )
        Cloudtrail(
            self,
            "trail",
            name=self.aws.trail_name,
            s3_bucket_name=bucket.resource.id,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            kms_key_id=key.arn,
            depends_on=[bucket.policy],
        )

    def _alarm_topic(self, key: EncryptionKey) -> None:
        aws = self.aws
        Topic(
            self,
            "alarm-topic",
            aws=aws,
            name=aws.alarm_topic_name,
            key=key,
            statements=[
                Statement(
                    sid="FromAlarms",
                    principal={"Service": "cloudwatch.amazonaws.com"},
                    actions=("sns:Publish",),
                    resources=(aws.alarm_topic_arn,),
                    conditions={
                        "StringEquals": {"aws:SourceAccount": aws.account},
                        "ArnLike": {
                            "aws:SourceArn": aws.arn(
                                "cloudwatch", f"alarm:{PROJECT}-{aws.environment}-*"
                            )
                        },
                    },
                )
            ],
        )

    def _api_logs(self) -> None:
        """The account's one role by which API Gateway writes logs, of all its APIs.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
        """
        role = Role(
            self,
            "api-log-role",
            aws=self.aws,
            name=f"{PROJECT}-{self.aws.environment}-api-gateway-logs",
            service="apigateway",
            description="API Gateway writes the logs of APIs",
        )
        # AWS accepts no narrower policy: it checks the role for exactly these permissions.
        attachment = IamRolePolicyAttachment(
            self,
            "api-log-role_logs",
            role=role.resource.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
        )
        ApiGatewayAccount(
            self,
            "api-gateway",
            cloudwatch_role_arn=role.resource.arn,
            depends_on=[attachment],
        )
