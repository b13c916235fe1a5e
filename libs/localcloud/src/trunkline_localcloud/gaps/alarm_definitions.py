"""Alarms are described as they were put.

AWS keeps and returns every parameter of ``PutMetricAlarm`` and ``PutCompositeAlarm``
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html).
MiniStack drops metric math and the actions on insufficient data, makes up statistics that were not
given, and answers the query protocol, which Terraform speaks, with a few fields only.
Here the request's own parameters complete MiniStack's record, and the query protocol's answers are
written from the whole record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.query_protocol import read_parameters, write_members
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "alarm_definitions"
_HANDLER = ("params", "cbor_data", "is_cbor", "is_json")
_GIVEN_OR_ABSENT = (
    "AlarmDescription",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Unit",
    "EvaluateLowSampleCountPercentile",
    "ThresholdMetricId",
)
Request = Mapping[str, Any]


def install(_settings: CloudSettings) -> None:
    """Keep what is put, and describe it in the query protocol."""
    from ministack.services import cloudwatch

    alarms = expect(_GAP, cloudwatch, "_alarms")
    composites = expect(_GAP, cloudwatch, "_composite_alarms")
    xml = expect(_GAP, cloudwatch, "_xml", ("status", "root_tag", "inner"))
    for name, replacement in {
        "_put_metric_alarm": partial(_put, alarms, _complete),
        "_put_composite_alarm": partial(_put, composites, _complete_composite),
        "_describe_alarms": partial(_describe, xml, "DescribeAlarms"),
        "_describe_alarms_for_metric": partial(_describe, xml, "DescribeAlarmsForMetric"),
    }.items():
        replace(_GAP, cloudwatch, name, _HANDLER, partial(partial, replacement))


def _put(
    records: Mapping[str, dict[str, Any]],
    complete: Callable[[dict[str, Any], Request], None],
    original: Callable[..., Any],
    params: Request,
    cbor_data: Request,
    is_cbor: bool,
    is_json: bool = False,
) -> Any:
    answer = original(params, cbor_data, is_cbor, is_json)
    request = cbor_data if is_cbor or is_json else read_parameters(params)
    if answer[0] == 200:
        complete(records[request["AlarmName"]], request)
    return answer


def _describe(
    xml: Callable[..., Any],
    operation: str,
    original: Callable[..., Any],
    params: Request,
    cbor_data: Request,
    is_cbor: bool,
    is_json: bool = False,
) -> Any:
    if is_cbor or is_json:
        return original(params, cbor_data, is_cbor, is_json)
    # MiniStack selects and pages; its answer in JSON holds whole records.
    status, _headers, body = original({}, read_parameters(params), False, True)
    if status != 200:
        return original(params, cbor_data, is_cbor, is_json)
    members = write_members(json.loads(body))
    return xml(200, f"{operation}Response", f"<{operation}Result>{members}</{operation}Result>")


def _complete_composite(alarm: dict[str, Any], request: Request) -> None:
    alarm["AlarmDescription"] = request.get("AlarmDescription")


def _complete(alarm: dict[str, Any], request: Request) -> None:
    """Set on MiniStack's record what the request says and MiniStack changed or dropped."""
    for name in _GIVEN_OR_ABSENT:
        alarm[name] = request.get(name)
    alarm["InsufficientDataActions"] = request.get("InsufficientDataActions") or []
    alarm["Period"] = int(request["Period"]) if request.get("Period") else None
    if metrics := request.get("Metrics"):
        alarm["Metrics"] = [_metric_query(each) for each in metrics]


def _metric_query(query: Request) -> dict[str, Any]:
    """A member of ``Metrics`` with numbers and flags, where the query protocol has strings."""
    typed = dict(query)
    typed["ReturnData"] = str(query.get("ReturnData", True)).lower() == "true"
    if query.get("Period"):
        typed["Period"] = int(query["Period"])
    if stat := query.get("MetricStat"):
        typed["MetricStat"] = {**stat, "Period": int(stat["Period"])}
    return typed
