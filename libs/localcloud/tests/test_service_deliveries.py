"""Contracts of ``api_permissions``, ``notification_deliveries`` and ``event_deliveries``."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]
Function = Callable[..., str]
Eventually = Callable[..., Any]
_ROOT = "arn:aws:iam::000000000000:root"
_OWN = {"Effect": "Allow", "Principal": {"AWS": _ROOT}, "Action": "kms:*", "Resource": "*"}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _admitting(service: str, action: str, source: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": action,
        "Resource": "*",
        "Condition": {"ArnLike": {"aws:SourceArn": source}},
    }


@pytest.fixture
def queue(client: Client) -> Callable[..., tuple[str, str]]:
    """Makes a queue whose policy has the given statements, and returns its URL and ARN."""
    sqs = client("sqs")

    def make(*statements: dict[str, Any], **attributes: str) -> tuple[str, str]:
        name = f"queue-{secrets.token_hex(4)}"
        if statements:
            attributes["Policy"] = _policy(*statements)
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url, f"arn:aws:sqs:eu-central-1:000000000000:{name}"

    return make


@pytest.fixture
def received(client: Client) -> Callable[[str], list[dict[str, Any]]]:
    """What is in a queue."""

    def read(url: str) -> list[dict[str, Any]]:
        found = client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
        )
        return list(found.get("Messages", []))

    return read


@pytest.mark.parametrize("way", ["queue policy", "key policy"])
def test_notifications_that_are_not_admitted_are_buried(
    client: Client,
    queue: Callable[..., tuple[str, str]],
    received: Callable[[str], list[dict[str, Any]]],
    way: str,
) -> None:
    """A queue or key that does not admit SNS sends the notification to the dead-letter queue."""
    sns = client("sns")
    topic = sns.create_topic(Name=f"topic-{secrets.token_hex(4)}")["TopicArn"]
    admitting = _admitting("sns", "sqs:SendMessage", topic)
    closed = client("kms").create_key(Policy=_policy(_OWN))["KeyMetadata"]["KeyId"]
    open_key = client("kms").create_key(Policy=_policy(_OWN, _admitting("sns", "kms:*", topic)))
    good, good_arn = queue(admitting, KmsMasterKeyId=open_key["KeyMetadata"]["KeyId"])
    if way == "queue policy":
        bad, bad_arn = queue(_admitting("sns", "sqs:SendMessage", f"{topic}-another"))
    else:
        bad, bad_arn = queue(admitting, KmsMasterKeyId=closed)
    dead, dead_arn = queue(admitting)
    for arn in (good_arn, bad_arn):
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={
                "RawMessageDelivery": "true",
                "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn}),
                "FilterPolicy": json.dumps({"type": ["placed"]}),
            },
        )
    for kind in ("placed", "paid"):
        sns.publish(
            TopicArn=topic,
            Message=kind,
            MessageAttributes={"type": {"DataType": "String", "StringValue": kind}},
        )
    assert received(bad) == []
    for url in (good, dead):
        (message,) = received(url)
        assert message["Body"] == "placed"
        assert message["MessageAttributes"]["type"]["StringValue"] == "placed"


def test_function_admits_a_topic(
    client: Client,
    function: Function,
    queue: Callable[..., tuple[str, str]],
    received: Callable[[str], list[dict[str, Any]]],
    eventually: Eventually,
) -> None:
    """SNS invokes a function whose policy lets it; else the notification is buried."""
    sns, functions = client("sns"), client("lambda")
    topic = sns.create_topic(Name=f"topic-{secrets.token_hex(4)}")["TopicArn"]
    name = function("def handler(event, context): print('got', event['Records'][0]['Sns'])")
    arn = functions.get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    dead, dead_arn = queue(_admitting("sns", "sqs:SendMessage", topic))
    sns.subscribe(
        TopicArn=topic,
        Protocol="lambda",
        Endpoint=arn,
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn})},
    )
    sns.publish(TopicArn=topic, Message="refused")
    (message,) = eventually(lambda: received(dead))
    assert json.loads(message["Body"])["Message"] == "refused"
    functions.add_permission(
        FunctionName=name,
        StatementId="topic",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=topic,
    )
    sns.publish(TopicArn=topic, Message="admitted")
    logs, group = client("logs"), f"/aws/lambda/{name}"
    eventually(
        lambda: (
            logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
            and logs.filter_log_events(logGroupName=group, filterPattern="admitted")["events"]
        )
    )
    assert logs.filter_log_events(logGroupName=group, filterPattern="refused")["events"] == []


@pytest.mark.parametrize("admitted", [True, False])
def test_alarms_tell_topics_that_admit_them(
    client: Client,
    queue: Callable[..., tuple[str, str]],
    received: Callable[[str], list[dict[str, Any]]],
    eventually: Eventually,
    admitted: bool,
) -> None:
    """An alarm publishes to a topic whose policy and key admit CloudWatch for it."""
    sns, name = client("sns"), f"alarm-{secrets.token_hex(4)}"
    topic = f"arn:aws:sns:eu-central-1:000000000000:{name}"
    alarm = f"arn:aws:cloudwatch:eu-central-1:000000000000:alarm:{name}"
    using = _admitting("cloudwatch", "kms:*", alarm if admitted else f"{alarm}-another")
    key = client("kms").create_key(Policy=_policy(_OWN, using))["KeyMetadata"]["KeyId"]
    sns.create_topic(
        Name=name,
        Attributes={
            "KmsMasterKeyId": key,
            "Policy": _policy(_admitting("cloudwatch", "sns:Publish", alarm)),
        },
    )
    url, arn = queue(_admitting("sns", "sqs:SendMessage", topic))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=name,
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="rehearsal")
    if admitted:
        (message,) = eventually(lambda: received(url))
        assert json.loads(json.loads(message["Body"])["Message"])["AlarmName"] == name
    else:
        assert received(url) == []


def test_events_that_are_not_admitted_are_buried(
    client: Client,
    function: Function,
    queue: Callable[..., tuple[str, str]],
    received: Callable[[str], list[dict[str, Any]]],
    eventually: Eventually,
) -> None:
    """EventBridge delivers to targets that admit the rule; the others' events are buried."""
    events, name = client("events"), f"rule-{secrets.token_hex(4)}"
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    good, good_arn = queue(_admitting("events", "sqs:SendMessage", rule))
    _, bad_arn = queue(_admitting("events", "sqs:SendMessage", f"{rule}-another"))
    dead, dead_arn = queue(_admitting("events", "sqs:SendMessage", rule))
    running = function("def handler(event, context): pass")
    function_arn = f"arn:aws:lambda:eu-central-1:000000000000:function:{running}"
    events.put_targets(
        Rule=name,
        Targets=[
            {"Id": arn.rpartition(":")[2], "Arn": arn, "DeadLetterConfig": {"Arn": dead_arn}}
            for arn in (good_arn, bad_arn, function_arn)
        ],
    )
    events.put_events(
        Entries=[{"Source": name, "DetailType": "t", "Detail": json.dumps({"id": 1})}]
    )
    (message,) = eventually(lambda: received(good))
    assert json.loads(message["Body"])["detail"] == {"id": 1}
    buried = eventually(lambda: len(found := received(dead)) == 2 and found)
    targets = {each["MessageAttributes"]["TARGET_ARN"]["StringValue"] for each in buried}
    assert {bad_arn, function_arn} == targets
    attributes = buried[0]["MessageAttributes"]
    assert attributes["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert rule == attributes["RULE_ARN"]["StringValue"]


def test_api_invokes_functions_that_admit_it(
    client: Client, cloud: LocalCloud, http: urllib3.PoolManager, function: Function
) -> None:
    """A method whose function does not let API Gateway for it answers 500."""
    api, functions = client("apigateway"), client("lambda")
    name = function("def handler(event, context): return {'statusCode': 204}", Publish=True)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account_id}:function:{name}:live"
    api_id = api.create_rest_api(name=name)["id"]
    (root,) = api.get_resources(restApiId=api_id)["items"]
    for http_method in ("GET", "DELETE"):
        method = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": http_method}
        api.put_method(**method, authorizationType="NONE")
        api.put_integration(
            **method,
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            uri=f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
        )
    api.create_deployment(restApiId=api_id, stageName="live")
    functions.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{cloud.region}:{cloud.account_id}:{api_id}/*/GET/",
    )
    url = f"{cloud.endpoint}/restapis/{api_id}/live/_user_request_/"
    assert http.request("GET", url).status == 204
    refused = http.request("DELETE", url)
    assert (refused.status, refused.json()) == (500, {"message": "Internal server error"})
