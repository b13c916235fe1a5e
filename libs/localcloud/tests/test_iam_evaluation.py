"""Which resources and condition keys a call is checked with, for the services that matter most."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]
As = Callable[..., Client]


@pytest.fixture
def allowed_to(client: Client) -> As:
    """Makes clients of a new user, tagged team=orders, who may do the given statement alone."""
    iam = client("iam")

    def make(action: str, resource: str, condition: dict[str, Any] | None = None) -> Client:
        name = f"user-{secrets.token_hex(4)}"
        iam.create_user(UserName=name, Tags=[{"Key": "team", "Value": "orders"}])
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        if condition:
            statement["Condition"] = condition  # type: ignore[assignment]
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]

        def as_user(service: str) -> Any:
            return client(
                service,
                aws_access_key_id=key["AccessKeyId"],
                aws_secret_access_key=key["SecretAccessKey"],
            )

        return as_user  # type: ignore[return-value]

    return make


@dataclass(frozen=True)
class World:
    """Something of every service to call."""

    region: str = "eu-central-1"
    account: str = "000000000000"
    names: dict[str, str] = field(default_factory=dict)

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the cloud's region and account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


@pytest.fixture(scope="module")
def world(client: Client, cloud: LocalCloud, function: Callable[..., str]) -> World:
    """A table with an index, a queue, a topic, a secret, a parameter, a bucket and a key."""
    name = f"w-{secrets.token_hex(4)}"
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "g", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        Tags=[{"Key": "owner", "Value": "orders"}],
    )
    url = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    client("sns").create_topic(Name=name)
    secret = client("secretsmanager").create_secret(
        Name=name, SecretString="s", Tags=[{"Key": "owner", "Value": "orders"}]
    )["ARN"]
    client("ssm").put_parameter(Name=f"/{name}/one", Type="String", Value="1")
    client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": cloud.region}
    )
    client("s3").put_object(Bucket=name, Key="a/b.txt", Body=b"x")
    client("sesv2").create_email_identity(EmailIdentity=f"{name}@example.com")
    stream = client("dynamodb").describe_table(TableName=name)["Table"]["LatestStreamArn"]
    key = client("kms").create_key(Description=name)["KeyMetadata"]["KeyId"]
    shards = client("dynamodbstreams").describe_stream(StreamArn=stream)["StreamDescription"]
    running = function("def handler(event, context): pass", Publish=True)
    client("lambda").create_alias(FunctionName=running, Name="live", FunctionVersion="1")
    names = {
        "name": name,
        "url": url,
        "secret": secret,
        "stream": stream,
        "key": key,
        "function": running,
        "shard": shards["Shards"][0]["ShardId"],
    }
    return World(region=cloud.region, account=cloud.account_id, names=names)


Call = Callable[[Client, dict[str, str]], object]

_CALLS: dict[str, tuple[str, str, Call]] = {
    "table": (
        "dynamodb:PutItem",
        "dynamodb|table/{name}",
        lambda c, n: c("dynamodb").put_item(TableName=n["name"], Item={"pk": {"S": "orders"}}),
    ),
    "index": (
        "dynamodb:Query",
        "dynamodb|table/{name}/index/by-g",
        lambda c, n: c("dynamodb").query(
            TableName=n["name"],
            IndexName="by-g",
            KeyConditionExpression="g = :g",
            ExpressionAttributeValues={":g": {"S": "x"}},
        ),
    ),
    "stream": (
        "dynamodb:DescribeStream",
        "{stream}",
        lambda c, n: c("dynamodbstreams").describe_stream(StreamArn=n["stream"]),
    ),
    "transaction": (
        "dynamodb:PutItem",
        "dynamodb|table/{name}",
        lambda c, n: c("dynamodb").transact_write_items(
            TransactItems=[{"Put": {"TableName": n["name"], "Item": {"pk": {"S": "t"}}}}]
        ),
    ),
    "queue": (
        "sqs:SendMessage",
        "sqs|{name}",
        lambda c, n: c("sqs").send_message(QueueUrl=n["url"], MessageBody="x"),
    ),
    "queue by name": (
        "sqs:GetQueueUrl",
        "sqs|{name}",
        lambda c, n: c("sqs").get_queue_url(QueueName=n["name"]),
    ),
    "topic": (
        "sns:Publish",
        "sns|{name}",
        lambda c, n: c("sns").publish(
            TopicArn=f"arn:aws:sns:eu-central-1:000000000000:{n['name']}", Message="x"
        ),
    ),
    "secret by name": (
        "secretsmanager:GetSecretValue",
        "secretsmanager|secret:{name}-??????",
        lambda c, n: c("secretsmanager").get_secret_value(SecretId=n["name"]),
    ),
    "secret by ARN": (
        "secretsmanager:GetSecretValue",
        "{secret}",
        lambda c, n: c("secretsmanager").get_secret_value(SecretId=n["secret"]),
    ),
    "parameter": (
        "ssm:GetParameter",
        "ssm|parameter/{name}/one",
        lambda c, n: c("ssm").get_parameter(Name=f"/{n['name']}/one"),
    ),
    "parameters by path": (
        "ssm:GetParametersByPath",
        "ssm|parameter/{name}",
        lambda c, n: c("ssm").get_parameters_by_path(Path=f"/{n['name']}"),
    ),
    "object": (
        "s3:GetObject",
        "arn:aws:s3:::{name}/a/*",
        lambda c, n: c("s3").get_object(Bucket=n["name"], Key="a/b.txt"),
    ),
    "bucket": (
        "s3:ListBucket",
        "arn:aws:s3:::{name}",
        lambda c, n: c("s3").list_objects_v2(Bucket=n["name"]),
    ),
    "identity": (
        "ses:SendEmail",
        "ses|identity/{name}@example.com",
        lambda c, n: c("sesv2").send_email(
            FromEmailAddress=f"{n['name']}@example.com",
            Destination={"ToAddresses": ["to@example.com"]},
            Content={
                "Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
            },
        ),
    ),
    "parameters by name": (
        "ssm:GetParameters",
        "ssm|parameter/{name}/*",
        lambda c, n: c("ssm").get_parameters(Names=[f"/{n['name']}/one", f"/{n['name']}/two"]),
    ),
    "stream records": (
        "dynamodb:Get*",
        "{stream}",
        lambda c, n: c("dynamodbstreams").get_records(
            ShardIterator=c("dynamodbstreams").get_shard_iterator(
                StreamArn=n["stream"], ShardId=n["shard"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
        ),
    ),
    "alias": (
        "lambda:InvokeFunction",
        "lambda|function:{function}:live",
        lambda c, n: c("lambda").invoke(FunctionName=n["function"], Qualifier="live"),
    ),
    "key": (
        "kms:Encrypt",
        "kms|key/{key}",
        lambda c, n: c("kms").encrypt(
            KeyId=n["key"], Plaintext=b"x", EncryptionContext={"order": "1"}
        ),
    ),
}


def _resource(world: World, template: str) -> str:
    service, found, resource = template.partition("|")
    return (world.arn(service, resource) if found else template).format(**world.names)


@pytest.mark.parametrize("what", _CALLS)
def test_resource_of_a_call(allowed_to: As, world: World, what: str) -> None:
    """A statement on the resource's ARN admits the call; one on another resource does not."""
    action, template, call = _CALLS[what]
    resource = _resource(world, template)
    call(allowed_to(action, resource), world.names)
    other = resource
    for name in (world.names["name"], world.names["key"], f"{world.names['function']}:live"):
        other = other.replace(name, "other")
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        call(allowed_to(action, other), world.names)


@pytest.mark.parametrize(
    ("what", "admitting", "refusing"),
    [
        (
            "table",
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["orders"]}},
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["other"]}},
        ),
        (
            "table",
            {"StringEquals": {"aws:ResourceTag/owner": "orders"}},
            {"StringEquals": {"aws:ResourceTag/owner": "payments"}},
        ),
        (
            "secret by name",
            {"StringEquals": {"aws:ResourceTag/owner": "${aws:PrincipalTag/team}"}},
            {"StringEquals": {"aws:ResourceTag/owner": "x${aws:PrincipalTag/team}"}},
        ),
        (
            "queue",
            {"StringEquals": {"aws:PrincipalTag/team": "orders"}},
            {"StringEquals": {"aws:PrincipalTag/team": "payments"}},
        ),
        (
            "topic",
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/user-*"}},
            {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}},
        ),
        (
            "index",
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["x"]}},
            {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["y"]}},
        ),
        (
            "transaction",
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["t*"]}},
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["u*"]}},
        ),
        (
            "key",
            {"StringEquals": {"kms:EncryptionContext:order": "1"}},
            {"StringEquals": {"kms:EncryptionContext:order": "2"}},
        ),
        (
            "key",
            {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["order"]}},
            {"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["payment"]}},
        ),
        (
            "parameter",
            {"StringEquals": {"aws:PrincipalAccount": "000000000000"}},
            {"StringEquals": {"aws:PrincipalAccount": "111111111111"}},
        ),
        (
            "object",
            {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}},
            {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        ),
        (
            "identity",
            {"StringLike": {"ses:FromAddress": "*@example.com"}},
            {"StringLike": {"ses:FromAddress": "*@example.org"}},
        ),
    ],
)
def test_condition_of_a_call(
    allowed_to: As,
    world: World,
    what: str,
    admitting: dict[str, Any],
    refusing: dict[str, Any],
) -> None:
    """A condition that holds admits the call, one that does not refuses it."""
    action, template, call = _CALLS[what]
    resource = _resource(world, template)
    call(allowed_to(action, resource, admitting), world.names)
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        call(allowed_to(action, resource, refusing), world.names)
