"""Contract of the gap ``kms_through_services``."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]
Call = Callable[[Client], object]
_ROOT = "arn:aws:iam::000000000000:root"
_ADMINISTRATION = {
    "Effect": "Allow",
    "Principal": {"AWS": _ROOT},
    "Action": ["kms:Put*", "kms:Describe*", "kms:Schedule*"],
    "Resource": "*",
}
_THROUGH = {
    "Effect": "Allow",
    "Principal": {"AWS": _ROOT},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
    "Resource": "*",
    "Condition": {
        "StringEquals": {"kms:CallerAccount": "000000000000"},
        "StringLike": {"kms:ViaService": "*.eu-central-1.amazonaws.com"},
    },
}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Encrypted:
    """A key and something of every service that it encrypts."""

    name: str
    key: str
    url: str
    topic: str


@pytest.fixture(scope="module")
def encrypted(client: Client, cloud: LocalCloud) -> Encrypted:
    """A key that is used through services alone, and what it encrypts."""
    name = f"e-{secrets.token_hex(4)}"
    key = client("kms").create_key(Policy=_policy(_ADMINISTRATION, _THROUGH))["KeyMetadata"]["Arn"]
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    url = client("sqs").create_queue(QueueName=name, Attributes={"KmsMasterKeyId": key})["QueueUrl"]
    topic = client("sns").create_topic(Name=name, Attributes={"KmsMasterKeyId": key})["TopicArn"]
    client("secretsmanager").create_secret(Name=name, SecretString="s", KmsKeyId=key)
    client("ssm").put_parameter(Name=f"/{name}", Type="SecureString", Value="1", KeyId=key)
    storage = client("s3")
    storage.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": cloud.region}
    )
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    }
    storage.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    storage.put_object(Bucket=name, Key="k", Body=b"x")
    return Encrypted(name, key, url, topic)


@pytest.fixture
def user(client: Client) -> Callable[..., Client]:
    """Makes clients of a new user who may do everything but use keys, beside given statements."""

    def make(*statements: dict[str, Any]) -> Client:
        iam, name = client("iam"), f"user-{secrets.token_hex(4)}"
        iam.create_user(UserName=name)
        everything = {"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}
        iam.put_user_policy(
            UserName=name, PolicyName="p", PolicyDocument=_policy(everything, *statements)
        )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service: client(
            service,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    return make


_CALLS: dict[str, tuple[str, tuple[str, ...], Callable[[Client, Encrypted], object]]] = {
    "table": (
        "dynamodb",
        ("kms:Decrypt",),
        lambda c, e: c("dynamodb").get_item(TableName=e.name, Key={"pk": {"S": "x"}}),
    ),
    "sending": (
        "sqs",
        ("kms:GenerateDataKey", "kms:Decrypt"),
        lambda c, e: c("sqs").send_message(QueueUrl=e.url, MessageBody="x"),
    ),
    "receiving": (
        "sqs",
        ("kms:Decrypt",),
        lambda c, e: c("sqs").receive_message(QueueUrl=e.url),
    ),
    "publishing": (
        "sns",
        ("kms:GenerateDataKey", "kms:Decrypt"),
        lambda c, e: c("sns").publish(TopicArn=e.topic, Message="x"),
    ),
    "reading a secret": (
        "secretsmanager",
        ("kms:Decrypt",),
        lambda c, e: c("secretsmanager").get_secret_value(SecretId=e.name),
    ),
    "writing a secret": (
        "secretsmanager",
        ("kms:GenerateDataKey", "kms:Decrypt"),
        lambda c, e: c("secretsmanager").put_secret_value(SecretId=e.name, SecretString="t"),
    ),
    "parameter": (
        "ssm",
        ("kms:Decrypt",),
        lambda c, e: c("ssm").get_parameter(Name=f"/{e.name}", WithDecryption=True),
    ),
    "reading an object": (
        "s3",
        ("kms:Decrypt",),
        lambda c, e: c("s3").get_object(Bucket=e.name, Key="k"),
    ),
    "writing an object": (
        "s3",
        ("kms:GenerateDataKey",),
        lambda c, e: c("s3").put_object(Bucket=e.name, Key="n", Body=b"y"),
    ),
}


@pytest.mark.parametrize("what", _CALLS)
def test_key_is_needed_through_the_service(
    user: Callable[..., Client], encrypted: Encrypted, what: str
) -> None:
    """A caller who may use the service alone is refused, who may use the key through it is not."""
    service, actions, call = _CALLS[what]

    def granted(actions: tuple[str, ...], through: str) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": encrypted.key,
            "Condition": {
                "StringEquals": {"kms:ViaService": f"{through}.eu-central-1.amazonaws.com"}
            },
        }

    call(user(granted(actions, service)), encrypted)
    for refused in (
        (),
        (granted(actions, "another"),),
        *[(granted(tuple(set(actions) - {each}), service),) for each in actions if actions[1:]],
    ):
        with pytest.raises(ClientError, match=r"AccessDenied.*kms:\w+ on resource: arn:aws:kms:"):
            call(user(*refused), encrypted)


def test_encryption_context_names_what_is_encrypted(
    user: Callable[..., Client], encrypted: Encrypted
) -> None:
    """A key may be granted for one table alone, by its encryption context."""
    for table, allowed in ((encrypted.name, True), ("other", False)):
        condition = {"StringEquals": {"kms:EncryptionContext:aws:dynamodb:tableName": table}}
        statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
        tables = user({**statement, "Condition": condition})("dynamodb")
        if allowed:
            tables.get_item(TableName=encrypted.name, Key={"pk": {"S": "x"}})
        else:
            with pytest.raises(ClientError, match="kms:Decrypt"):
                tables.get_item(TableName=encrypted.name, Key={"pk": {"S": "x"}})


def test_key_is_not_used_directly(client: Client, encrypted: Encrypted) -> None:
    """A key policy that admits services alone refuses even an administrator's direct use."""
    with pytest.raises(ClientError, match="AccessDenied"):
        client("kms").generate_data_key(KeyId=encrypted.key, KeySpec="AES_256")


def test_unencrypted_parts_need_no_key(user: Callable[..., Client], encrypted: Encrypted) -> None:
    """Describing, listing and reading without decryption take no key."""
    caller = user()
    caller("dynamodb").describe_table(TableName=encrypted.name)
    caller("sqs").get_queue_attributes(QueueUrl=encrypted.url, AttributeNames=["All"])
    caller("secretsmanager").describe_secret(SecretId=encrypted.name)
    caller("ssm").get_parameter(Name=f"/{encrypted.name}")
