"""Contract of the gap ``alarm_evaluation``."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]
Function = Callable[..., str]
Eventually = Callable[..., Any]
StateOf = Callable[[str], str]


@pytest.fixture
def state_of(client: Client) -> StateOf:
    """The state of an alarm."""
    cloudwatch = client("cloudwatch")

    def read(name: str) -> str:
        found = cloudwatch.describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        (alarm,) = found["MetricAlarms"] + found["CompositeAlarms"]
        return str(alarm["StateValue"])

    return read


@pytest.fixture
def notified(client: Client) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
    """A topic, and what reaches its subscriber."""
    name = f"alarms-{secrets.token_hex(4)}"
    topic = client("sns").create_topic(Name=name)["TopicArn"]
    queue = client("sqs")
    arn = f"arn:aws:sqs:{topic.split(':')[3]}:{topic.split(':')[4]}:{name}"
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        },
    }
    url = queue.create_queue(QueueName=name, Attributes={"Policy": json.dumps(policy)})["QueueUrl"]
    client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    seen: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        found = queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        seen.extend(json.loads(message["Body"]) for message in found)
        return seen

    return topic, read


def test_errors_of_an_alias_alarm_and_recover(
    client: Client,
    function: Function,
    eventually: Eventually,
    state_of: StateOf,
    notified: tuple[str, Callable[[], list[dict[str, Any]]]],
) -> None:
    """An alarm on an alias's errors goes off, tells its topic, takes its composite along, ends."""
    topic, notifications = notified
    cloudwatch, functions = client("cloudwatch"), client("lambda")
    name = function("def handler(event, context): raise RuntimeError", Publish=True)
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[
            {"Name": "FunctionName", "Value": name},
            {"Name": "Resource", "Value": f"{name}:live"},
        ],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
        OKActions=[topic],
    )
    cloudwatch.put_composite_alarm(AlarmName=f"any-{name}", AlarmRule=f'ALARM("{name}")')
    eventually(lambda: state_of(name) == "OK")
    functions.invoke(FunctionName=name, Qualifier="live", Payload="{}")
    eventually(lambda: state_of(name) == "ALARM")
    assert state_of(f"any-{name}") == "ALARM"
    eventually(lambda: state_of(name) == "OK")
    assert state_of(f"any-{name}") == "OK"
    told = eventually(lambda: len(notifications()) >= 2 and notifications())
    states = [message["NewStateValue"] for message in told]
    assert {"ALARM", "OK"} <= set(states)
    assert {name} == {message["AlarmName"] for message in told}
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    assert any("to ALARM" in item["HistorySummary"] for item in history["AlarmHistoryItems"])


def test_age_of_a_queue_alarms_until_it_is_empty(
    client: Client, eventually: Eventually, state_of: StateOf
) -> None:
    """A queue's age goes over the threshold and comes back when its message is gone."""
    name = f"queue-{secrets.token_hex(4)}"
    queue = client("sqs")
    url = queue.create_queue(QueueName=name)["QueueUrl"]
    client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": name}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    eventually(lambda: state_of(name) == "INSUFFICIENT_DATA")
    queue.send_message(QueueUrl=url, MessageBody="x")
    eventually(lambda: state_of(name) == "ALARM")
    queue.purge_queue(QueueUrl=url)
    eventually(lambda: state_of(name) == "OK")


def test_other_dimensions_do_not_count(
    client: Client, eventually: Eventually, state_of: StateOf
) -> None:
    """An alarm looks at the metric with its own dimensions alone; percentiles and math work."""
    cloudwatch, name = client("cloudwatch"), f"custom-{secrets.token_hex(4)}"
    own, other = ([{"Name": "route", "Value": value}] for value in ("own", "other"))
    common = {
        "EvaluationPeriods": 1,
        "Threshold": 0.5,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    metric = {"Namespace": name, "MetricName": "Failed"}
    for route, dimensions in (("own", own), ("other", other)):
        cloudwatch.put_metric_alarm(
            AlarmName=f"{name}-{route}",
            **common,
            **metric,
            Dimensions=dimensions,
            ExtendedStatistic="p99",
            Period=60,
            TreatMissingData="notBreaching",
        )
    stat = {"Metric": {**metric, "Dimensions": own}, "Period": 60, "Stat": "Sum"}
    cloudwatch.put_metric_alarm(
        AlarmName=f"{name}-math",
        **common,
        TreatMissingData="notBreaching",
        Metrics=[
            {"Id": "rate", "Expression": "failed / FILL(missing, 2)", "ReturnData": True},
            {"Id": "failed", "MetricStat": stat, "ReturnData": False},
            {
                "Id": "missing",
                "MetricStat": {**stat, "Metric": {**metric, "MetricName": "None"}},
                "ReturnData": False,
            },
        ],
    )
    cloudwatch.put_metric_data(
        Namespace=name,
        MetricData=[{"MetricName": "Failed", "Dimensions": own, "Values": [1.0], "Counts": [4.0]}],
    )
    eventually(lambda: state_of(f"{name}-own") == "ALARM")
    eventually(lambda: state_of(f"{name}-math") == "ALARM")
    assert state_of(f"{name}-other") == "OK"
    eventually(lambda: state_of(f"{name}-own") == "OK")


def test_state_set_by_hand_lasts_a_period(
    client: Client, eventually: Eventually, state_of: StateOf
) -> None:
    """SetAlarmState holds for a moment, then the metric decides again."""
    cloudwatch, name = client("cloudwatch"), f"hand-{secrets.token_hex(4)}"
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=name,
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    eventually(lambda: state_of(name) == "OK")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="rehearsal")
    assert state_of(name) == "ALARM"
    eventually(lambda: state_of(name) == "OK")


def test_unsupported_metric_math_is_refused(client: Client) -> None:
    """An alarm on an expression that cannot be computed is refused when it is put."""
    with pytest.raises(ClientError, match="Error in expression 'rate'"):
        client("cloudwatch").put_metric_alarm(
            AlarmName="unsupported",
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
            Metrics=[{"Id": "rate", "Expression": "ANOMALY_DETECTION_BAND(m1)"}],
        )
