"""What CloudWatch computes: metric math, alarm states, log patterns; and where metrics go."""

from trunkline_localcloud.cloudwatch.alarm_states import AlarmRule, AlarmState, decide
from trunkline_localcloud.cloudwatch.log_patterns import (
    LogPatternError,
    compile_log_pattern,
    json_value,
)
from trunkline_localcloud.cloudwatch.metric_math import ExpressionError, MetricExpression
from trunkline_localcloud.cloudwatch.metric_sink import Datum, MetricSink

__all__ = [
    "AlarmRule",
    "AlarmState",
    "Datum",
    "ExpressionError",
    "LogPatternError",
    "MetricExpression",
    "MetricSink",
    "compile_log_pattern",
    "decide",
    "json_value",
]
