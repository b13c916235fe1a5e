"""Contract of the gap ``execution_roles``, and of what policies know of a function."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]
_SOURCE = """
import os
def handler(event, context):
    print("logged")
    return [os.environ["AWS_" + key] for key in
            ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
"""


def test_function_in_a_vpc_needs_network_interfaces(
    client: Client, function: Callable[..., str]
) -> None:
    """A function in a VPC is refused when its role may not manage interfaces."""
    subnet = client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    vpc = {"SubnetIds": [subnet], "SecurityGroupIds": []}
    with pytest.raises(ClientError, match="CreateNetworkInterface on EC2"):
        function(_SOURCE, bare=True, VpcConfig=vpc)


def test_mapping_needs_to_read_its_source(client: Client, function: Callable[..., str]) -> None:
    """A mapping is refused when the function's role may not receive from the queue."""
    sqs = client("sqs")
    queue = sqs.create_queue(QueueName="unreadable")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    name = function(_SOURCE, bare=True)
    with pytest.raises(ClientError, match="ReceiveMessage on SQS"):
        client("lambda").create_event_source_mapping(
            FunctionName=name, EventSourceArn=attributes["Attributes"]["QueueArn"]
        )


def test_role_without_log_permissions_has_no_log(
    client: Client, function: Callable[..., str]
) -> None:
    """A function whose role may not write logs runs and leaves none."""
    name = function(_SOURCE, bare=True)
    answer = client("lambda").invoke(FunctionName=name)
    assert "FunctionError" not in answer
    found = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")
    assert found["logGroups"] == []


def test_policies_know_that_a_functions_code_calls(
    client: Client, function: Callable[..., str]
) -> None:
    """lambda:SourceFunctionArn is set on calls with the credentials of a function's process."""
    arn = "arn:aws:lambda:*:*:function:function-*"
    name = function(
        _SOURCE,
        statements=[
            {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"},
            {
                "Effect": "Deny",
                "Action": "sqs:ListQueues",
                "Resource": "*",
                "Condition": {"ArnLike": {"lambda:SourceFunctionArn": arn}},
            },
        ],
    )
    key, secret, token = json.loads(client("lambda").invoke(FunctionName=name)["Payload"].read())
    of_the_function = client(
        "sqs", aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token
    )
    with pytest.raises(ClientError, match="explicit deny"):
        of_the_function.list_queues()
