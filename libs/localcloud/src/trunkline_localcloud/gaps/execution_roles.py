"""What Lambda itself does with a function's role.

AWS refuses a function in a VPC whose role may not manage network interfaces, and an event source
mapping whose role may not read the source; it writes no log for a role that may not write it
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html,
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html,
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html).
MiniStack asks no role, so that a role which misses these works here and fails in AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.role_permissions import role_may
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "execution_roles"
_INTERFACES = (
    ("ec2:CreateNetworkInterface", "network-interface/*"),
    ("ec2:CreateNetworkInterface", "subnet/*"),
    ("ec2:DeleteNetworkInterface", "network-interface/*"),
    ("ec2:DescribeNetworkInterfaces", None),
)
_READS = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": (
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:DescribeStream",
    ),
    "kinesis": ("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream"),
}


def install(_settings: CloudSettings) -> None:
    """Ask the role."""
    from ministack.services import lambda_svc

    replace(_GAP, lambda_svc, "_create_function", ("data",), _asked_for_interfaces)
    replace(_GAP, lambda_svc, "_create_esm", ("data",), _asked_for_reads)


def _asked_for_interfaces(original: Callable[..., Any]) -> Callable[..., Any]:
    from ministack.core.responses import get_account_id, get_region

    def create(data: Mapping[str, Any]) -> Any:
        subnets = (data.get("VpcConfig") or {}).get("SubnetIds")
        for action, resource in _INTERFACES if subnets else ():
            arn = f"arn:aws:ec2:{get_region()}:{get_account_id()}:{resource}" if resource else "*"
            if not role_may(data.get("Role", ""), action, arn):
                call = action.removeprefix("ec2:")
                return _refusal(
                    f"The provided execution role does not have permissions to call {call} on EC2"
                )
        return original(data)

    return create


def _asked_for_reads(original: Callable[..., Any]) -> Callable[..., Any]:
    from ministack.services import lambda_svc

    lookup = expect(_GAP, lambda_svc, "_get_func_record_for_ref", ("function_ref",))

    def create(data: Mapping[str, Any]) -> Any:
        source = data.get("EventSourceArn", "")
        _, configuration, name = lookup(data.get("FunctionName", ""))
        service = source.split(":")[2] if source.count(":") > 4 else ""
        role = (configuration or {}).get("Role", "")
        for action in _READS.get(service, ()) if configuration else ():
            if not role_may(role, action, source, session=name):
                return _refusal(_unreadable(service, action, source))
        return original(data)

    return create


def _unreadable(service: str, action: str, source: str) -> str:
    call = action.partition(":")[2]
    if service == "sqs":
        return f"The function execution role does not have permissions to call {call} on SQS"
    return (
        f"Cannot access stream {source}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    )


def _refusal(message: str) -> Any:
    from ministack.core.responses import error_response_json

    return error_response_json("InvalidParameterValueException", message, 400)
