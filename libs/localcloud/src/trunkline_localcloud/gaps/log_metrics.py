"""Log events become metrics, and filter patterns select.

CloudWatch Logs makes metrics of events in the embedded metric format, and of those that a metric
filter's pattern selects (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html).
MiniStack stores metric filters and uses none, knows nothing of the embedded format, and takes any
JSON pattern to match everything.
Here every batch of events is looked at as it comes in. A filter's default value is published for a
batch in which nothing matches.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from trunkline_localcloud.cloudwatch import (
    Datum,
    LogPatternError,
    MetricSink,
    compile_log_pattern,
    json_value,
)
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "log_metrics"
_EMBEDDED = '"_aws"'
_compiled = lru_cache(maxsize=512)(compile_log_pattern)
Event = Mapping[str, Any]


def install(_settings: CloudSettings) -> None:
    """Make metrics of log events."""
    from ministack.services import cloudwatch_logs

    sink = MetricSink()
    filters = expect(_GAP, cloudwatch_logs, "_metric_filters")
    refuse = expect(_GAP, cloudwatch_logs, "error_response_json")

    def put_events(original: Callable[..., Any], data: Mapping[str, Any]) -> Any:
        answer = original(data)
        if answer[0] == 200:
            messages = [event.get("message", "") for event in data.get("logEvents", [])]
            of_group = [
                each for each in filters.values() if each["logGroupName"] == data["logGroupName"]
            ]
            found = [*_embedded(messages), *_filtered(messages, of_group)]
            if found:
                sink.put(found)
        return answer

    def put_filter(original: Callable[..., Any], data: Mapping[str, Any]) -> Any:
        try:
            _compiled(data.get("filterPattern", ""))
        except LogPatternError as error:
            return refuse("InvalidParameterException", str(error), 400)
        return original(data)

    replace(_GAP, cloudwatch_logs, "_put_log_events", ("data",), partial(partial, put_events))
    replace(_GAP, cloudwatch_logs, "_put_metric_filter", ("data",), partial(partial, put_filter))
    replace(
        _GAP,
        cloudwatch_logs,
        "_compile_filter_pattern",
        ("raw",),
        lambda _original: lambda raw: _compiled(raw or ""),
    )


def _embedded(messages: Iterable[str]) -> Iterator[Datum]:
    for message in messages:
        if _EMBEDDED not in message:
            continue
        try:
            document = json.loads(message)
            directives = document["_aws"]["CloudWatchMetrics"]
        except (ValueError, KeyError, TypeError):
            continue
        for directive in directives:
            yield from _directed(document, directive)


def _directed(document: Mapping[str, Any], directive: Mapping[str, Any]) -> Iterator[Datum]:
    for metric in directive.get("Metrics", []):
        value = document.get(metric["Name"])
        values = value if isinstance(value, list) else [value]
        for dimension_set in directive.get("Dimensions") or [[]]:
            dimensions = {name: str(document[name]) for name in dimension_set if name in document}
            for each in values:
                if isinstance(each, int | float):
                    unit = metric.get("Unit", "None")
                    yield Datum(directive["Namespace"], metric["Name"], each, unit, dimensions)


def _filtered(messages: list[str], filters: Iterable[Mapping[str, Any]]) -> Iterator[Datum]:
    for each in filters:
        matches = _compiled(each["filterPattern"])
        matching = [message for message in messages if matches(message)]
        for transformation in each["metricTransformations"]:
            metric = (transformation["metricNamespace"], transformation["metricName"])
            unit = transformation.get("unit", "None")
            for message in matching:
                value = _number(transformation["metricValue"], message)
                if value is not None:
                    yield Datum(*metric, value, unit, _dimensions(transformation, message))
            default = transformation.get("defaultValue")
            if not matching and messages and default is not None:
                yield Datum(*metric, float(default), unit)


def _number(wanted: str, message: str) -> float | None:
    """A transformation's value: a number, or a selector of one."""
    found = _selected(message, wanted) if wanted.startswith("$") else wanted
    try:
        return float(found)
    except (TypeError, ValueError):
        return None


def _dimensions(transformation: Mapping[str, Any], message: str) -> dict[str, str]:
    wanted = transformation.get("dimensions") or {}
    return {name: str(_selected(message, selector)) for name, selector in wanted.items()}


def _selected(message: str, selector: str) -> Any:
    try:
        return json_value(json.loads(message), selector)
    except ValueError:
        return ""
