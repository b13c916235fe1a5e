"""Contracts of ``lambda_metrics``, ``queue_metrics``, ``api_metrics`` and ``log_metrics``."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]
Function = Callable[..., str]
Eventually = Callable[..., Any]
Measured = Callable[..., dict[str, float]]


@pytest.fixture
def measured(client: Client) -> Measured:
    """Statistics of a metric over the last minutes; empty when it has no data."""

    def read(namespace: str, metric: str, **dimensions: str) -> dict[str, float]:
        now = datetime.now(UTC)
        answer = client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum", "Maximum", "SampleCount"],
        )
        total: dict[str, float] = {}
        for point in answer["Datapoints"]:  # an hour may end within the range
            for name in ("Sum", "SampleCount"):
                total[name] = total.get(name, 0.0) + point[name]
            total["Maximum"] = max(total.get("Maximum", 0.0), point["Maximum"])
        return total

    return read


_FLAKY = """
def handler(event, context):
    if event.get("fail"):
        raise RuntimeError("as asked")
"""


def test_functions_are_measured_by_alias_and_version(
    client: Client, function: Function, measured: Measured, eventually: Eventually
) -> None:
    """Invocations, errors and duration have the dimensions that canary alarms need."""
    name = function(_FLAKY, Publish=True)
    functions = client("lambda")
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for event in ({}, {"fail": True}, {"fail": True}):
        functions.invoke(FunctionName=name, Qualifier="live", Payload=json.dumps(event))
    functions.invoke(FunctionName=name, Payload="{}")
    alias = {"FunctionName": name, "Resource": f"{name}:live"}
    for dimensions, calls in (
        ({"FunctionName": name}, 4.0),
        ({"FunctionName": name, "Resource": name}, 1.0),
        (alias, 3.0),
        ({**alias, "ExecutedVersion": "1"}, 3.0),
    ):
        eventually(
            lambda d=dimensions, n=calls: measured("AWS/Lambda", "Invocations", **d).get("Sum") == n
        )
    errors = measured("AWS/Lambda", "Errors", **alias)
    assert (errors["Sum"], errors["SampleCount"]) == (2.0, 3.0)
    assert measured("AWS/Lambda", "Duration", **alias)["Maximum"] > 0
    assert measured("AWS/Lambda", "ConcurrentExecutions", FunctionName=name)["Maximum"] == 1.0


def test_throttled_calls_are_no_invocations(
    client: Client, function: Function, measured: Measured, eventually: Eventually
) -> None:
    """A throttled request counts as a throttle alone."""
    name = function(_FLAKY)
    client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequests"):
        client("lambda").invoke(FunctionName=name, Payload="{}")
    eventually(lambda: measured("AWS/Lambda", "Throttles", FunctionName=name).get("Sum") == 1.0)
    assert measured("AWS/Lambda", "Invocations", FunctionName=name) == {}


def test_queues_are_measured(client: Client, measured: Measured, eventually: Eventually) -> None:
    """Gauges follow the queue down to zero, and every message is counted once."""
    name = f"queue-{secrets.token_hex(4)}"
    queue = client("sqs")
    url = queue.create_queue(QueueName=name)["QueueUrl"]
    for _ in range(3):
        queue.send_message(QueueUrl=url, MessageBody="x")
    visible = lambda: measured(  # noqa: E731
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName=name
    )
    eventually(lambda: visible().get("Maximum") == 3.0)
    age = lambda: measured("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName=name)  # noqa: E731
    eventually(lambda: age().get("Maximum", 0.0) > 0.5)
    received = queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    for message in received:
        queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    samples = visible()["SampleCount"]
    eventually(lambda: visible()["SampleCount"] >= samples + 2)
    for metric in ("Sent", "Received", "Deleted"):
        counted = measured("AWS/SQS", f"NumberOfMessages{metric}", QueueName=name)
        assert counted["Sum"] == len(received) == 3


def test_dead_letters_are_not_counted_as_sent(
    client: Client, measured: Measured, eventually: Eventually
) -> None:
    """A message that a redrive policy moves shows in the dead-letter queue's gauge alone."""
    queue, name = client("sqs"), f"dead-{secrets.token_hex(4)}"
    dead = queue.create_queue(QueueName=name)["QueueUrl"]
    arn = queue.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    policy = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": 1}
    url = queue.create_queue(
        QueueName=f"work-{name}",
        Attributes={"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"},
    )["QueueUrl"]
    queue.send_message(QueueUrl=url, MessageBody="x")
    for _ in range(2):
        queue.receive_message(QueueUrl=url)
    eventually(
        lambda: (
            measured("AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName=name).get("Maximum")
            == 1.0
        )
    )
    assert measured("AWS/SQS", "NumberOfMessagesSent", QueueName=name) == {}


def test_apis_are_measured(
    client: Client,
    cloud: LocalCloud,
    http: urllib3.PoolManager,
    measured: Measured,
    eventually: Eventually,
) -> None:
    """Calls, their errors as 0 or 1, and their latency are measured by API and stage."""
    api, name = client("apigateway"), f"api-{secrets.token_hex(4)}"
    api_id = api.create_rest_api(name=name)["id"]
    (root,) = api.get_resources(restApiId=api_id)["items"]
    method = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "GET"}
    api.put_method(**method, authorizationType="NONE")
    api.put_integration(
        **method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    api.put_method_response(**method, statusCode="200")
    api.put_integration_response(**method, statusCode="200")
    api.create_deployment(restApiId=api_id, stageName="live")
    base = f"{cloud.endpoint}/restapis/{api_id}/live/_user_request_"
    assert http.request("GET", f"{base}/").status == 200
    assert http.request("GET", f"{base}/missing").status in (403, 404)
    dimensions = {"ApiName": name, "Stage": "live"}
    eventually(lambda: measured("AWS/ApiGateway", "Count", **dimensions).get("Sum") == 2.0)
    errors = measured("AWS/ApiGateway", "4XXError", **dimensions)
    assert (errors["Sum"], errors["SampleCount"]) == (1.0, 2.0)
    assert measured("AWS/ApiGateway", "5XXError", ApiName=name)["Sum"] == 0.0
    assert measured("AWS/ApiGateway", "Latency", ApiName=name)["Maximum"] > 0


def test_embedded_metrics_of_a_function(
    client: Client, function: Function, measured: Measured, eventually: Eventually
) -> None:
    """A line in the embedded metric format becomes a metric with its dimensions."""
    namespace = f"Shop-{secrets.token_hex(4)}"
    document = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": namespace,
                    "Dimensions": [["service"], ["service", "country"]],
                    "Metrics": [{"Name": "Placed", "Unit": "Count"}, {"Name": "Total"}],
                }
            ],
        },
        "service": "orders",
        "country": "DE",
        "Placed": [1, 1, 2],
        "Total": 12.5,
    }
    name = function(f"import json\ndef handler(e, c): print(json.dumps({document!r}))")
    client("lambda").invoke(FunctionName=name, Payload="{}")
    eventually(lambda: measured(namespace, "Placed", service="orders").get("Sum") == 4.0)
    both = measured(namespace, "Total", service="orders", country="DE")
    assert both["Maximum"] == 12.5
    assert measured(namespace, "Placed", country="DE") == {}


def test_an_alarm_watches_an_embedded_metric(
    client: Client, function: Function, eventually: Eventually
) -> None:
    """What a function prints makes an alarm ring, as any other metric does."""
    namespace = f"Shop-{secrets.token_hex(4)}"
    document = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": namespace,
                    "Dimensions": [["service", "function"]],
                    "Metrics": [{"Name": "faults", "Unit": "Count"}],
                }
            ],
        },
        "service": "orders",
        "function": "api",
        "faults": 3,
    }
    watch = client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName=namespace,
        Namespace=namespace,
        MetricName="faults",
        Dimensions=[
            {"Name": "service", "Value": "orders"},
            {"Name": "function", "Value": "api"},
        ],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=2,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    state = lambda: watch.describe_alarms(AlarmNames=[namespace])["MetricAlarms"][0]  # noqa: E731
    eventually(lambda: state()["StateValue"] == "OK")
    name = function(f"import json\ndef handler(e, c): print(json.dumps({document!r}))")
    client("lambda").invoke(FunctionName=name, Payload="{}")
    eventually(lambda: state()["StateValue"] == "ALARM")
    watch.delete_alarms(AlarmNames=[namespace])


def test_metric_filters(client: Client, measured: Measured, eventually: Eventually) -> None:
    """A filter's matches become its metric, with values and dimensions from the event."""
    logs, name = client("logs"), f"group-{secrets.token_hex(4)}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    base = {"metricNamespace": name}
    logs.put_metric_filter(
        logGroupName=name,
        filterName="slow",
        filterPattern="{ $.ms > 100 }",
        metricTransformations=[
            {**base, "metricName": "Slow", "metricValue": "1", "defaultValue": 0.0},
            {
                **base,
                "metricName": "Milliseconds",
                "metricValue": "$.ms",
                "dimensions": {"route": "$.route"},
            },
        ],
    )
    now = int(time.time() * 1000)
    events = [{"ms": 50, "route": "a"}, {"ms": 250, "route": "a"}, {"ms": 300, "route": "b"}]
    logs.put_log_events(
        logGroupName=name,
        logStreamName="s",
        logEvents=[{"timestamp": now, "message": json.dumps(event)} for event in events],
    )
    eventually(lambda: measured(name, "Slow").get("Sum") == 2.0)
    assert measured(name, "Milliseconds", route="b")["Maximum"] == 300.0
    logs.put_log_events(
        logGroupName=name,
        logStreamName="s",
        logEvents=[{"timestamp": now, "message": json.dumps({"ms": 1})}],
    )
    eventually(lambda: measured(name, "Slow").get("SampleCount") == 3.0)
    found = logs.filter_log_events(logGroupName=name, filterPattern='{ $.route = "b" }')["events"]
    assert [300] == [json.loads(event["message"])["ms"] for event in found]


def test_malformed_filters_are_refused(client: Client) -> None:
    """A metric filter whose pattern cannot be read is refused."""
    logs, name = client("logs"), f"group-{secrets.token_hex(4)}"
    logs.create_log_group(logGroupName=name)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.put_metric_filter(
            logGroupName=name,
            filterName="f",
            filterPattern="{ $.a = }",
            metricTransformations=[{"metricNamespace": "n", "metricName": "m", "metricValue": "1"}],
        )
