"""Alarms follow their metrics.

CloudWatch evaluates every alarm again and again: period by period, ``DatapointsToAlarm`` out of
``EvaluationPeriods``, with missing data treated as the alarm says, for the alarm's dimensions, and
for metric math (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html).
MiniStack evaluates one alarm when it is put and all when somebody calls ``PutMetricData``, over the
points of all dimensions in the whole range at once, and never returns to ``INSUFFICIENT_DATA``.
Here every alarm is evaluated every second, over periods that end now. So that nobody waits for
minutes on a laptop, an alarm's minute lasts ``CloudSettings.alarm_minute_seconds``. A state that
was set by hand lasts one period.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import ModuleType
from typing import Any

from trunkline_localcloud.cloudwatch import (
    AlarmRule,
    AlarmState,
    ExpressionError,
    MetricExpression,
    decide,
)
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.periodic import repeat
from trunkline_localcloud.query_protocol import read_parameters
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "alarm_evaluation"
_HANDLER = ("params", "cbor_data", "is_cbor", "is_json")
_EVERY_SECONDS = 1.0
_SHORTEST_PERIOD_SECONDS = 1.0
_OWN_NAMESPACES = "AWS/"
Alarm = dict[str, Any]
Point = Mapping[str, Any]
_parsed = lru_cache(maxsize=256)(MetricExpression)


def install(settings: CloudSettings) -> None:
    """Evaluate alarms every second, and only so."""
    from ministack.services import cloudwatch

    evaluation = _Evaluation(cloudwatch, seconds_per_minute=settings.alarm_minute_seconds)
    replace(
        _GAP, cloudwatch, "_evaluate_alarm", ("alarm",), lambda _original: _wait_for_the_next_second
    )
    replace(_GAP, cloudwatch, "_put_metric_alarm", _HANDLER, partial(partial, evaluation.put_alarm))
    replace(_GAP, cloudwatch, "_set_alarm_state", _HANDLER, partial(partial, evaluation.set_state))
    repeat(settings, _EVERY_SECONDS, evaluation.evaluate_all)


def _wait_for_the_next_second(alarm: Alarm) -> None:
    """In place of MiniStack's evaluation of an alarm when it is put."""


class _Evaluation:
    """The evaluation of MiniStack's alarms over MiniStack's metrics."""

    def __init__(self, cloudwatch: ModuleType, *, seconds_per_minute: float) -> None:
        self._pace = seconds_per_minute / 60
        self._alarms = expect(_GAP, cloudwatch, "_alarms")
        self._metrics = expect(_GAP, cloudwatch, "_metrics")
        self._refuse = expect(_GAP, cloudwatch, "_error")
        self._key = expect(_GAP, cloudwatch, "_dims_key", ("dims",))
        self._statistics = expect(_GAP, cloudwatch, "_calc_stats", ("points",))
        self._statistic = expect(_GAP, cloudwatch, "_stat_value", ("stats", "stat_name", "points"))
        self._remember = expect(_GAP, cloudwatch, "_record_history")
        self._act = expect(
            _GAP,
            cloudwatch,
            "_dispatch_alarm_actions",
            ("alarm", "old_state", "new_state", "reason"),
        )
        self._evaluate_parents = expect(
            _GAP, cloudwatch, "_evaluate_parent_alarms", ("child", "seen")
        )
        self._set_by_hand_until: dict[str, float] = {}

    def put_alarm(
        self,
        original: Callable[..., Any],
        params: Mapping[str, Any],
        cbor_data: Mapping[str, Any],
        is_cbor: bool,
        is_json: bool = False,
    ) -> Any:
        request = cbor_data if is_cbor or is_json else read_parameters(params)
        for query in request.get("Metrics") or []:
            try:
                _parsed(query.get("Expression") or "0")
            except ExpressionError as error:
                message = f"Error in expression '{query['Id']}': {error}"
                return self._refuse(
                    "ValidationError", message, 400, use_json=is_json, use_cbor=is_cbor
                )
        return original(params, cbor_data, is_cbor, is_json)

    def set_state(
        self,
        original: Callable[..., Any],
        params: Mapping[str, Any],
        cbor_data: Mapping[str, Any],
        is_cbor: bool,
        is_json: bool = False,
    ) -> Any:
        answer = original(params, cbor_data, is_cbor, is_json)
        request = cbor_data if is_cbor or is_json else read_parameters(params)
        if (alarm := self._alarms.get(request.get("AlarmName"))) is not None:
            self._set_by_hand_until[alarm["AlarmName"]] = time.time() + self._period(alarm)
        return answer

    def evaluate_all(self) -> None:
        now = time.time()
        for alarm in list(self._alarms.values()):
            if self._set_by_hand_until.get(alarm["AlarmName"], 0.0) < now:
                self._evaluate(alarm, now)

    def _evaluate(self, alarm: Alarm, now: float) -> None:
        periods = alarm["EvaluationPeriods"]
        rule = AlarmRule(
            threshold=alarm["Threshold"],
            comparison=alarm["ComparisonOperator"],
            periods=periods,
            to_alarm=alarm.get("DatapointsToAlarm") or periods,
            missing=alarm.get("TreatMissingData") or "missing",
        )
        period = self._period(alarm)
        ends = [now - period * age for age in reversed(range(periods))]
        points = [self._value(alarm, end - period, end) for end in ends]
        state = decide(points, rule)
        if state is not None and state != alarm["StateValue"]:
            self._move(alarm, state, _reason(points, rule))

    def _period(self, alarm: Alarm) -> float:
        """Seconds that the alarm's period lasts here."""
        periods = [alarm.get("Period")]
        for query in alarm.get("Metrics") or []:
            periods += [query.get("Period"), query.get("MetricStat", {}).get("Period")]
        longest = max(int(each) for each in [*periods, 1] if each)
        return max(longest * self._pace, _SHORTEST_PERIOD_SECONDS)

    def _value(self, alarm: Alarm, start: float, end: float) -> float | None:
        queries = alarm.get("Metrics")
        if not queries:
            statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
            return self._measured(alarm, statistic, start, end)
        values: dict[str, float | None] = {}
        for query in queries:
            if stat := query.get("MetricStat"):
                metric = {**stat["Metric"], "Unit": stat.get("Unit")}
                values[query["Id"]] = self._measured(metric, stat["Stat"], start, end)
        remaining = [query for query in queries if query.get("Expression")]
        while remaining:  # an expression may name another one, in any order
            ready = [each for each in remaining if _named(each, queries) <= values.keys()]
            for query in ready or list(remaining):
                values[query["Id"]] = _parsed(query["Expression"]).value(values)
                remaining.remove(query)
        watched = [query["Id"] for query in queries if query.get("ReturnData", True)]
        return values.get(watched[0]) if watched else None

    def _measured(
        self, metric: Mapping[str, Any], statistic: str, start: float, end: float
    ) -> float | None:
        dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions") or []}
        key = (metric["Namespace"], metric["MetricName"], self._key(dimensions))
        ordered = metric["Namespace"].startswith(_OWN_NAMESPACES)
        points = _between(self._metrics.get(key) or [], start, end, ordered=ordered)
        if unit := metric.get("Unit"):
            points = [point for point in points if point["Unit"] == unit]
        if not points:
            return None
        value = self._statistic(self._statistics(points), statistic, points)
        return None if value is None else float(value)

    def _move(self, alarm: Alarm, state: AlarmState, reason: str) -> None:
        previous = alarm["StateValue"]
        now = int(time.time())
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=now)
        alarm["StateTransitionedTimestamp"] = now
        self._remember(alarm["AlarmName"], previous, state, reason)
        self._act(alarm, previous, state, reason)
        self._evaluate_parents(alarm)


def _between(points: list[Point], start: float, end: float, *, ordered: bool) -> list[Point]:
    found = []
    for point in reversed(points):
        if point["Timestamp"] <= start:
            if ordered:
                break
        elif point["Timestamp"] <= end:
            found.append(point)
    return found


def _named(query: Mapping[str, Any], queries: list[Mapping[str, Any]]) -> frozenset[str]:
    """Ids of the other queries that an expression names."""
    return _parsed(query["Expression"]).names & {each["Id"] for each in queries}


def _reason(points: list[float | None], rule: AlarmRule) -> str:
    """Why the state is what it is, in CloudWatch's words."""
    known = [point for point in points if point is not None]
    if not known:
        treated = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(rule.missing)
        lacking = f"no datapoints were received for {len(points)} periods"
        if treated is None:
            return f"Insufficient Data: {lacking}."
        missing = f"{len(points)} missing datapoints were treated as [{treated}]"
        return f"Threshold Crossed: {lacking} and {missing}."
    listed = ", ".join(str(point) for point in reversed(known))
    breaching = sum(rule.breaches(point) for point in known)
    return (
        f"Threshold Crossed: {breaching} out of the last {rule.periods} datapoints [{listed}] "
        f"crossed the threshold ({rule.threshold}) by {rule.comparison} "
        f"(minimum {rule.to_alarm} datapoints for OK -> ALARM transition)."
    )
