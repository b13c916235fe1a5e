"""Contract of the gap ``alarm_definitions``."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]
Query = Callable[..., ET.Element]
_NAMESPACE = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"


@pytest.fixture
def query(cloud: LocalCloud, http: urllib3.PoolManager) -> Query:
    """Calls CloudWatch in the query protocol, which Terraform speaks and boto3 no longer does."""

    def call(action: str, **parameters: str) -> ET.Element:
        body = urlencode({"Action": action, "Version": "2010-08-01", **parameters})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = AWSRequest("POST", f"{cloud.endpoint}/", data=body, headers=headers)
        keys = Credentials(cloud.admin_access_key, cloud.admin_secret_key)
        SigV4Auth(keys, "monitoring", cloud.region).add_auth(request)
        answer = http.request("POST", request.url, body=body, headers=dict(request.headers))
        assert answer.status == 200, answer.data
        return ET.fromstring(answer.data)  # noqa: S314 - from our own cloud

    return call


def _members(alarm: ET.Element) -> dict[str, str | None]:
    return {each.tag.removeprefix(_NAMESPACE): each.text for each in alarm}


def _described(query: Query, name: str, kind: str) -> ET.Element:
    answer = query(
        "DescribeAlarms",
        **{
            "AlarmNames.member.1": name,
            "AlarmTypes.member.1": "CompositeAlarm",
            "AlarmTypes.member.2": "MetricAlarm",
        },
    )
    found = answer.find(f".//{_NAMESPACE}{kind}/{_NAMESPACE}member")
    assert found is not None
    return found


def test_metric_alarm_is_described_whole_in_the_query_protocol(query: Query) -> None:
    """What was put over the query protocol is described over it, and nothing is made up."""
    name = f"alarm-{secrets.token_hex(4)}"
    query(
        "PutMetricAlarm",
        **{
            "AlarmName": name,
            "AlarmDescription": "a < b",
            "Namespace": "AWS/Lambda",
            "MetricName": "Duration",
            "ExtendedStatistic": "p99",
            "Dimensions.member.1.Name": "FunctionName",
            "Dimensions.member.1.Value": "orders-api",
            "Period": "60",
            "EvaluationPeriods": "3",
            "DatapointsToAlarm": "2",
            "Threshold": "5",
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "Unit": "Milliseconds",
            "AlarmActions.member.1": "arn:aws:sns:eu-central-1:000000000000:alarms",
            "InsufficientDataActions.member.1": "arn:aws:sns:eu-central-1:000000000000:lost",
        },
    )
    alarm = _described(query, name, "MetricAlarms")
    members = _members(alarm)
    assert members["AlarmDescription"] == "a < b"
    assert (
        members["Period"],
        members["EvaluationPeriods"],
        members["DatapointsToAlarm"],
    ) == ("60", "3", "2")
    assert members["ExtendedStatistic"] == "p99"
    assert "Statistic" not in members
    assert members["ActionsEnabled"] == "true"
    assert members["Unit"] == "Milliseconds"
    texts = [each.text for each in alarm.iter()]
    for expected in ("FunctionName", "orders-api", "arn:aws:sns:eu-central-1:000000000000:lost"):
        assert expected in texts


def test_metric_math_alarm_keeps_its_queries(client: Client, query: Query) -> None:
    """An alarm on an expression is described with its queries, in every protocol."""
    name = f"alarm-{secrets.token_hex(4)}"
    query(
        "PutMetricAlarm",
        **{
            "AlarmName": name,
            "EvaluationPeriods": "1",
            "Threshold": "0.1",
            "ComparisonOperator": "GreaterThanThreshold",
            "Metrics.member.1.Id": "rate",
            "Metrics.member.1.Expression": "errors / calls",
            "Metrics.member.2.Id": "errors",
            "Metrics.member.2.ReturnData": "false",
            "Metrics.member.2.MetricStat.Metric.Namespace": "AWS/ApiGateway",
            "Metrics.member.2.MetricStat.Metric.MetricName": "5XXError",
            "Metrics.member.2.MetricStat.Metric.Dimensions.member.1.Name": "ApiName",
            "Metrics.member.2.MetricStat.Metric.Dimensions.member.1.Value": "shop",
            "Metrics.member.2.MetricStat.Period": "60",
            "Metrics.member.2.MetricStat.Stat": "Sum",
        },
    )
    (alarm,) = client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    rate, errors = alarm["Metrics"]
    assert (rate["Expression"], rate["ReturnData"]) == ("errors / calls", True)
    assert errors["ReturnData"] is False
    assert errors["MetricStat"]["Period"] == 60
    assert "Period" not in alarm
    texts = [each.text for each in _described(query, name, "MetricAlarms").iter()]
    assert "errors / calls" in texts
    assert "5XXError" in texts


def test_composite_alarm_is_described_whole_in_the_query_protocol(
    client: Client, query: Query
) -> None:
    """Description, actions and their enablement of a composite alarm are described."""
    name = f"alarm-{secrets.token_hex(4)}"
    client("cloudwatch").put_composite_alarm(
        AlarmName=name,
        AlarmDescription="any",
        AlarmRule="FALSE",
        AlarmActions=["arn:aws:sns:eu-central-1:000000000000:alarms"],
    )
    alarm = _described(query, name, "CompositeAlarms")
    members = _members(alarm)
    assert (
        members["AlarmDescription"],
        members["ActionsEnabled"],
        members["AlarmRule"],
    ) == ("any", "true", "FALSE")
    assert "arn:aws:sns:eu-central-1:000000000000:alarms" in [each.text for each in alarm.iter()]
