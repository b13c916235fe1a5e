"""Lambda functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cdktn import TerraformResourceLifecycle
from cdktn_provider_aws.lambda_alias import LambdaAlias
from cdktn_provider_aws.lambda_function import LambdaFunction
from constructs import Construct

from trunkline.manifest import Function as FunctionDeclaration
from trunkline_platform.aws import ALIAS, Aws
from trunkline_platform.constructs.alarms import alarm
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.identity import Role
from trunkline_platform.constructs.logs import LogGroup
from trunkline_platform.policy import Statement

__all__ = ["Bundle", "Function", "Placement"]


@dataclass(frozen=True)
class Bundle:
    """The code of a service, and what it was built for; Terraform variables all."""

    key: str
    """The object in the artifact bucket."""

    sha256: str
    """SHA-256 of the bundle in base64, Lambda's ``source_code_hash``."""

    architecture: str
    runtime: str


@dataclass(frozen=True)
class Placement:
    """Where in the VPC a function runs."""

    subnet_ids: list[str]
    security_group_id: str


class Function(Construct):
    """A function with a role, a log group, an alias and alarms of its own.

    Its role may write its log and what it is granted, nothing else. Every change publishes a
    version; the alias ``live`` starts at the first and is moved by the release step alone, so
    Terraform ignores which version it names. Alarms: one failed or throttled invocation. Traced by
    X-Ray. Concurrency is set aside only where the environment says so.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        service: str,
        declaration: FunctionDeclaration,
        bundle: Bundle,
        placement: Placement,
        key: EncryptionKey,
    ) -> None:
        super().__init__(scope, id_)
        self._aws = aws
        self.name = aws.function_name(service, declaration.name)
        self.alias_arn = aws.alias_arn(service, declaration.name)
        self.declaration = declaration
        self.role = Role(
            self,
            "role",
            aws=aws,
            name=self.name,
            service="lambda",
            description=f"Function {declaration.name} of service {service}",
        )
        self.log_group = LogGroup(self, "logs", aws=aws, name=f"/aws/lambda/{self.name}", key=key)
        self.log_group.grant_write(self.role)
        self.role.allow(*_network_statements(aws, self.name), _TRACE)
        concurrency = aws.settings.reserved_concurrency.get(f"{service}/{declaration.name}")
        self.resource = LambdaFunction(
            self,
            "this",
            function_name=self.name,
            description=f"{service}: {declaration.name}",
            role=self.role.resource.arn,
            handler=declaration.handler,
            runtime=bundle.runtime,
            architectures=[bundle.architecture],
            s3_bucket=aws.artifact_bucket,
            s3_key=bundle.key,
            source_code_hash=bundle.sha256,
            publish=True,
            timeout=declaration.timeout_seconds,
            memory_size=declaration.memory_mb,
            reserved_concurrent_executions=concurrency,
            logging_config={"log_format": "Text", "log_group": self.log_group.name},
            tracing_config={"mode": "Active"},
            vpc_config={
                "subnet_ids": placement.subnet_ids,
                "security_group_ids": [placement.security_group_id],
            },
            # AWS refuses a VPC to a role that may not yet manage network interfaces, and would
            # make the log group itself, without key and retention, if the function ran before.
            depends_on=[self.role.policy, self.log_group.resource],
        )
        self.alias = LambdaAlias(
            self,
            "alias",
            name=ALIAS,
            description="What every trigger invokes; moved by the release step",
            function_name=self.resource.function_name,
            function_version=self.resource.version,
            lifecycle=TerraformResourceLifecycle(
                ignore_changes=["function_version", "routing_config"]
            ),
        )
        self._alarm("errors", "Errors", "had an invocation that failed")
        self._alarm("throttles", "Throttles", "had an invocation that was throttled")

    def environment(self, variables: Mapping[str, str]) -> None:
        """Set the function's environment variables; never secrets."""
        self.resource.put_environment(variables=dict(sorted(variables.items())))

    def _alarm(self, id_: str, metric: str, happening: str) -> None:
        alarm(
            self,
            id_,
            aws=self._aws,
            name=f"{self.name}-{id_}",
            description=f"{self.name} {happening}.",
            metric=("AWS/Lambda", metric),
            dimensions={"FunctionName": self.name},
            statistic="Sum",
            at_least=1,
        )


_TRACE = Statement(
    sid="Trace",
    actions=("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
    # These actions have no resource level:
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
    resources=("*",),
)


def _network_statements(aws: Aws, function_name: str) -> tuple[Statement, ...]:
    """What Lambda does with a function's role to place it in a VPC, and nobody else may do.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    """
    manage = (
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
    )
    describe = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")
    # Interfaces are named by AWS when Lambda makes them, so they cannot be listed one by one.
    interfaces = tuple(
        aws.arn("ec2", kind) for kind in ("network-interface/*", "security-group/*", "subnet/*")
    )
    return (
        Statement(sid="ManageInterfaces", actions=manage, resources=interfaces),
        # Describing has no resource level:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
        Statement(sid="DescribeNetwork", actions=describe, resources=("*",)),
        # Lambda itself acts without this condition key; the function's own code carries it.
        Statement(
            sid="NotByTheCode",
            effect="Deny",
            actions=(*manage, *describe),
            resources=("*",),
            conditions={
                "ArnEquals": {
                    "lambda:SourceFunctionArn": aws.arn("lambda", f"function:{function_name}")
                }
            },
        ),
    )
