"""The control API: who may call it, faults, recorded calls, e-mails."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from trunkline_localcloud import ControlApiError, ControlClient, LocalCloud

Client = Callable[..., Any]

_CALLER = """
import datetime, hashlib, hmac, json, os, urllib.error, urllib.request

def call(service, target, body):
    region, host = os.environ["AWS_REGION"], os.environ["AWS_ENDPOINT_URL"].split("//")[1]
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    data = json.dumps(body).encode()
    headers = {"content-type": "application/x-amz-json-1.0", "host": host, "x-amz-date": stamp,
               "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"], "x-amz-target": target}
    names = ";".join(sorted(headers))
    canonical = "".join(f"{name}:{headers[name]}\\n" for name in sorted(headers))
    digest = hashlib.sha256(data).hexdigest()
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    request = hashlib.sha256(f"POST\\n/\\n\\n{canonical}\\n{names}\\n{digest}".encode()).hexdigest()
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"AWS4-HMAC-SHA256\\n{stamp}\\n{scope}\\n{request}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = os.environ["AWS_ACCESS_KEY_ID"] + "/" + scope
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={credential}, "
                                f"SignedHeaders={names}, Signature={signature}")
    url = os.environ["AWS_ENDPOINT_URL"] + "/"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)

def handler(event, context):
    item = {"id": {"S": event["id"]}}
    if event.get("transaction"):
        put = {"Put": {"TableName": event["table"], "Item": item}}
        return call("dynamodb", "DynamoDB_20120810.TransactWriteItems", {"TransactItems": [put]})
    return call("dynamodb", "DynamoDB_20120810.PutItem",
                {"TableName": event["table"], "Item": item})
"""


@pytest.fixture
def control(cloud: LocalCloud) -> Iterator[ControlClient]:
    """The control API, without faults afterwards."""
    yield cloud.control
    cloud.control.clear_faults()


@pytest.fixture(scope="module")
def table(client: Client) -> str:
    """The name of a table."""
    name = f"faulty-{secrets.token_hex(4)}"
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture(scope="module")
def caller(function: Callable[..., str]) -> str:
    """A function that puts an item."""
    may_put = [{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}]
    return function(_CALLER, statements=may_put, Timeout=10)


@pytest.fixture
def put(client: Client, caller: str, table: str) -> Callable[..., tuple[Any, bool]]:
    """Lets the function put a new item; its answer, and whether the item is there."""

    def call(**event: Any) -> tuple[Any, bool]:
        key = secrets.token_hex(4)
        payload = json.dumps({"table": table, "id": key, **event})
        answer = client("lambda").invoke(FunctionName=caller, Payload=payload)["Payload"].read()
        found = client("dynamodb").get_item(TableName=table, Key={"id": {"S": key}})
        return json.loads(answer), "Item" in found

    return call


@pytest.mark.parametrize("path", ["faults", "requests", "emails"])
def test_unsigned_calls_are_refused(
    cloud: LocalCloud, http: urllib3.PoolManager, path: str
) -> None:
    """Without a signature nothing but health answers."""
    assert http.request("GET", f"{cloud.endpoint}/_localcloud/{path}").status == 403
    assert http.request("GET", f"{cloud.endpoint}/_localcloud/health").status == 200


@pytest.mark.parametrize(
    ("secret", "service"), [("forged", "localcloud"), (None, "execute-api"), (None, "s3")]
)
def test_other_signatures_are_refused(
    cloud: LocalCloud, http: urllib3.PoolManager, secret: str | None, service: str
) -> None:
    """A forged signature, and one for another service, are refused."""
    url = f"{cloud.endpoint}/_localcloud/emails"
    request = AWSRequest("GET", url)
    keys = Credentials(cloud.admin_access_key, secret or cloud.admin_secret_key)
    SigV4Auth(keys, service, cloud.region).add_auth(request)
    assert http.request("GET", url, headers=dict(request.headers)).status == 403


@pytest.mark.parametrize(
    "rule", [{}, {"id": "x"}, {"id": "x", "effect": "explode"}, {"id": "x", "efect": "kill"}]
)
def test_rules_that_make_no_sense_are_refused(control: ControlClient, rule: dict[str, Any]) -> None:
    """A rule without id, without effect, or with a word that does not exist is refused."""
    with pytest.raises(ControlApiError) as error:
        control.set_faults([rule])
    assert error.value.status == 400


@pytest.mark.parametrize("transaction", [False, True])
@pytest.mark.parametrize(("when", "stored"), [("before", False), ("after", True)])
def test_kill_strikes_before_or_after_the_effect(
    control: ControlClient, put: Any, caller: str, when: str, stored: bool, transaction: bool
) -> None:
    """The process dies with its call undone or done, also when a transaction does it; once."""
    rule = {"id": "k", "function": caller, "action": "dynamodb:PutItem", "times": 1}
    control.set_faults([{**rule, "when": when, "effect": "kill"}])
    answer, there = put(transaction=transaction)
    assert answer["errorType"] == "Runtime.ExitError"
    assert there is stored
    assert control.faults()[0]["hits"] == 1
    assert put() == ([200, {}], True)


def test_denied_call_is_denied_in_the_services_words(
    control: ControlClient, put: Any, caller: str, table: str
) -> None:
    """A denied call looks like one that no policy allows."""
    resource = f"*:table/{table}"
    rule = {"id": "d", "function": caller, "action": "dynamodb:*", "resource": resource}
    control.set_faults([{**rule, "effect": "deny"}])
    (status, body), there = put()
    assert status in (400, 403)
    assert "AccessDenied" in body["__type"]
    assert not there


@pytest.mark.parametrize(("when", "stored"), [("before", False), ("after", True)])
def test_error_is_in_the_services_words(
    control: ControlClient, put: Any, caller: str, when: str, stored: bool
) -> None:
    """An error has the code and status of the rule, and hides what took effect."""
    error = {"status": 500, "code": "InternalServerError"}
    rule = {"id": "e", "function": caller, "action": "dynamodb:PutItem", "error": error}
    control.set_faults([{**rule, "when": when, "effect": "error"}])
    (status, body), there = put()
    assert status == 500
    assert "InternalServerError" in body["__type"]
    assert there is stored


def test_latency_delays_the_call(control: ControlClient, client: Client) -> None:
    """A rule without a function is about every caller, and a late call still succeeds."""
    rule = {"id": "l", "action": "sqs:ListQueues", "effect": "latency", "latency_ms": 300}
    control.set_faults([rule])
    began = time.monotonic()
    client("sqs").list_queues()
    assert time.monotonic() - began > 0.3


def test_kill_is_never_about_a_person(control: ControlClient, client: Client) -> None:
    """Only functions can be killed."""
    control.set_faults([{"id": "k", "effect": "kill"}])
    client("sqs").list_queues()
    assert control.faults()[0]["hits"] == 0


def test_invocation_fails_before_the_handler(control: ControlClient, put: Any, caller: str) -> None:
    """An error before lambda:Invoke keeps the handler from running."""
    rule = {"id": "i", "function": caller, "action": "lambda:Invoke", "effect": "error"}
    control.set_faults([rule])
    answer, there = put()
    assert answer["errorType"] == "InternalServerError"
    assert not there


def test_invocation_is_killed_after_the_handler(
    control: ControlClient, put: Any, caller: str
) -> None:
    """A kill after lambda:Invoke loses the result, not what the handler did."""
    rule = {"id": "i", "function": caller, "action": "lambda:Invoke", "when": "after", "times": 1}
    control.set_faults([{**rule, "effect": "kill"}])
    answer, there = put()
    assert answer["errorType"] == "Runtime.ExitError"
    assert there
    assert put()[1]


def test_calls_are_recorded(
    control: ControlClient, client: Client, cloud: LocalCloud, put: Any, caller: str, table: str
) -> None:
    """Each call is recorded with its caller, what it did, and what was decided."""
    before = max((each["seq"] for each in control.requests()), default=0)
    put()
    with pytest.raises(ClientError):
        client("sqs", aws_access_key_id="AKIAUNKNOWNUNKNOWN12").list_queues()
    calls = control.requests(since=before)
    by_function = next(each for each in calls if each["function"] == caller)
    assert by_function["action"] == "dynamodb:PutItem"
    assert by_function["resource"].endswith(f":table/{table}")
    assert (by_function["decision"], by_function["status"]) == ("allow", 200)
    refused = next(each for each in calls if each["action"] == "sqs:ListQueues")
    assert (refused["decision"], refused["status"]) == ("unauthenticated", 403)
    invoked = next(each for each in calls if each["action"] == "lambda:InvokeFunction")
    assert invoked["principal_arn"] == f"arn:aws:iam::{cloud.account_id}:user/administrator"


def test_a_stream_forgets_what_has_grown_old(control: ControlClient, client: Client) -> None:
    """Records of one table become older by request, and are gone when they are a day old."""
    tables, streams = client("dynamodb"), client("dynamodbstreams")
    name = f"aging-{secrets.token_hex(4)}"
    tables.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    arn = tables.describe_table(TableName=name)["Table"]["LatestStreamArn"]

    def streamed() -> list[str]:
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in records]

    tables.put_item(TableName=name, Item={"id": {"S": "old"}})
    assert control.age_stream(name, 23 * 3600) == 1
    tables.put_item(TableName=name, Item={"id": {"S": "new"}})
    assert ["old", "new"] == streamed()
    assert control.age_stream(name, 2 * 3600) == 2
    assert ["new"] == streamed()
    assert control.age_stream("another", 2 * 3600) == 0
    tables.delete_table(TableName=name)


def test_credentials_of_a_function_are_its_roles(
    control: ControlClient, cloud: LocalCloud, caller: str, table: str
) -> None:
    """Code outside of the cloud may do with them what the function may, and nothing else."""
    keys = control.credentials(caller)
    session = boto3.session.Session(
        keys["access_key_id"],
        keys["secret_access_key"],
        keys["session_token"],
        region_name=cloud.region,
    )
    role = session.client("sts", endpoint_url=cloud.endpoint).get_caller_identity()["Arn"]
    assert f":assumed-role/{caller}" in role
    dynamodb = session.client("dynamodb", endpoint_url=cloud.endpoint)
    dynamodb.put_item(TableName=table, Item={"id": {"S": "outside"}})
    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.delete_table(TableName=table)
    with pytest.raises(ControlApiError, match="the name of a function"):
        control.credentials("nobody")


def test_emails_are_listed(control: ControlClient, client: Client) -> None:
    """An e-mail that SES accepted is listed with its content."""
    ses = client("sesv2")
    ses.create_email_identity(EmailIdentity="shop.example")
    message = ses.send_email(
        FromEmailAddress="orders@shop.example",
        Destination={"ToAddresses": ["ada@example.com"]},
        Content={
            "Simple": {"Subject": {"Data": "Your order"}, "Body": {"Text": {"Data": "is here"}}}
        },
    )["MessageId"]
    email = next(each for each in control.emails() if each["message_id"] == message)
    assert email["to"] == ["ada@example.com"]
    assert (email["subject"], email["text"]) == ("Your order", "is here")
    assert email["from"] == "orders@shop.example"
    assert email["sent_at"].endswith("Z")
