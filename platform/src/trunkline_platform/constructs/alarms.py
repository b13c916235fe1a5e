"""Alarms: on functions, queues and dead-letter queues."""

from __future__ import annotations

from cdktn_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from constructs import Construct

from trunkline_platform.aws import Aws

__all__ = ["alarm"]


def alarm(
    scope: Construct,
    id_: str,
    *,
    aws: Aws,
    name: str,
    description: str,
    metric: tuple[str, str],
    dimensions: dict[str, str],
    statistic: str,
    at_least: int,
) -> None:
    """Alarm when a metric reaches ``at_least`` within one period; told to the alarm topic.

    Missing data is no breach: an idle function has no metrics.

    Args:
        metric: Namespace and name.
        statistic: CloudWatch's, for example ``Sum``.
        at_least: In the metric's own unit.
    """
    namespace, metric_name = metric
    CloudwatchMetricAlarm(
        scope,
        id_,
        alarm_name=name,
        alarm_description=description,
        namespace=namespace,
        metric_name=metric_name,
        dimensions=dimensions,
        statistic=statistic,
        comparison_operator="GreaterThanOrEqualToThreshold",
        threshold=at_least,
        period=aws.settings.alarms.period_seconds,
        evaluation_periods=1,
        treat_missing_data="notBreaching",
        alarm_actions=[aws.alarm_topic_arn],
        ok_actions=[aws.alarm_topic_arn],
    )
