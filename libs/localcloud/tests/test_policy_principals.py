"""Contract of the gap ``policy_principals``."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]
_ACCOUNT = "000000000000"
_INVALID = [
    {"AWS": f"arn:aws:iam::{_ACCOUNT}:role/missing"},
    {"AWS": [f"arn:aws:iam::{_ACCOUNT}:root", f"arn:aws:iam::{_ACCOUNT}:user/missing"]},
    {"AWS": f"arn:aws:iam::{_ACCOUNT}:role/*"},
    {"AWS": f"arn:aws:sts::{_ACCOUNT}:assumed-role/missing/session"},
    {"AWS": "AROAEXAMPLEOFADELETEDROLE"},
    {"Service": "orders"},
]
_VALID = [
    "*",
    {"AWS": "*"},
    {"AWS": _ACCOUNT},
    {"AWS": f"arn:aws:iam::{_ACCOUNT}:root"},
    {"AWS": f"arn:aws:iam::{_ACCOUNT}:user/administrator"},
    {"AWS": "arn:aws:iam::111111111111:role/elsewhere"},
    {"Service": "sns.amazonaws.com"},
]


def _policy(principal: Any, action: str) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
    if action == "sts:AssumeRole":
        del statement["Resource"]
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _put_role(client: Client, principal: Any) -> None:
    client("iam").create_role(
        RoleName=f"role-{secrets.token_hex(4)}",
        AssumeRolePolicyDocument=_policy(principal, "sts:AssumeRole"),
    )


def _put_trust(client: Client, principal: Any) -> None:
    name = f"role-{secrets.token_hex(4)}"
    iam = client("iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy("*", "sts:AssumeRole"))
    iam.update_assume_role_policy(
        RoleName=name, PolicyDocument=_policy(principal, "sts:AssumeRole")
    )


def _put_key(client: Client, principal: Any) -> None:
    client("kms").create_key(Policy=_policy(principal, "kms:*"))


def _put_key_policy(client: Client, principal: Any) -> None:
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    client("kms").put_key_policy(
        KeyId=key, PolicyName="default", Policy=_policy(principal, "kms:*")
    )


def _put_bucket(client: Client, principal: Any) -> None:
    name = f"bucket-{secrets.token_hex(4)}"
    client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    client("s3").put_bucket_policy(Bucket=name, Policy=_policy(principal, "s3:GetObject"))


def _put_queue(client: Client, principal: Any) -> None:
    client("sqs").create_queue(
        QueueName=f"queue-{secrets.token_hex(4)}",
        Attributes={"Policy": _policy(principal, "sqs:SendMessage")},
    )


def _put_queue_policy(client: Client, principal: Any) -> None:
    url = client("sqs").create_queue(QueueName=f"queue-{secrets.token_hex(4)}")["QueueUrl"]
    client("sqs").set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": _policy(principal, "sqs:SendMessage")}
    )


def _put_topic(client: Client, principal: Any) -> None:
    client("sns").create_topic(
        Name=f"topic-{secrets.token_hex(4)}",
        Attributes={"Policy": _policy(principal, "sns:Publish")},
    )


def _put_topic_policy(client: Client, principal: Any) -> None:
    topic = client("sns").create_topic(Name=f"topic-{secrets.token_hex(4)}")["TopicArn"]
    client("sns").set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=_policy(principal, "sns:Publish"),
    )


def _put_secret_policy(client: Client, principal: Any) -> None:
    name = f"secret-{secrets.token_hex(4)}"
    client("secretsmanager").create_secret(Name=name, SecretString="s")
    client("secretsmanager").put_resource_policy(
        SecretId=name, ResourcePolicy=_policy(principal, "secretsmanager:GetSecretValue")
    )


def _put_api(client: Client, principal: Any) -> None:
    client("apigateway").create_rest_api(
        name="api", policy=_policy(principal, "execute-api:Invoke")
    )


_PUTS = {
    _put_role: "MalformedPolicyDocument.*Invalid principal in policy",
    _put_trust: "MalformedPolicyDocument",
    _put_key: "MalformedPolicyDocumentException",
    _put_key_policy: "MalformedPolicyDocumentException",
    _put_bucket: "MalformedPolicy",
    _put_queue: "InvalidAttributeValue",
    _put_queue_policy: "InvalidAttributeValue",
    _put_topic: "InvalidParameter.*PrincipalNotFound",
    _put_topic_policy: "InvalidParameter.*PrincipalNotFound",
    _put_secret_policy: "MalformedPolicyDocumentException",
    _put_api: "BadRequestException.*Principals",
}


@pytest.mark.parametrize("put", _PUTS, ids=lambda put: put.__name__)
def test_principals_must_exist(client: Client, put: Callable[..., None]) -> None:
    """A principal that is malformed or missing is refused in the service's own words."""
    for principal in _INVALID:
        with pytest.raises(ClientError, match=_PUTS[put]):
            put(client, principal)


@pytest.mark.parametrize("put", _PUTS, ids=lambda put: put.__name__)
def test_principals_that_exist_are_accepted(client: Client, put: Callable[..., None]) -> None:
    """Everybody, accounts, users that exist, other accounts' roles and services are accepted."""
    public = ("*", {"AWS": "*"}) if put is _put_bucket else ()  # which the bucket blocks
    for principal in _VALID:
        if principal not in public:
            put(client, principal)


def test_permission_of_a_function(client: Client, function: Callable[..., str]) -> None:
    """A function's permission names a principal that exists."""
    functions, name = client("lambda"), function("def handler(event, context): pass")
    permission = {"FunctionName": name, "Action": "lambda:InvokeFunction"}
    functions.add_permission(**permission, StatementId="a", Principal="sns.amazonaws.com")
    functions.add_permission(**permission, StatementId="b", Principal=_ACCOUNT)
    with pytest.raises(ClientError, match="InvalidParameterValueException"):
        functions.add_permission(
            **permission, StatementId="c", Principal=f"arn:aws:iam::{_ACCOUNT}:role/missing"
        )
