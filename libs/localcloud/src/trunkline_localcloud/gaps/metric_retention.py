"""Metrics of the cloud's own services shrink to one point per minute.

CloudWatch keeps data of less than a minute for three hours and of a minute for fifteen days
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html). MiniStack
keeps every point for two weeks, and reads them all at every request.
Here points of ``AWS/`` namespaces that are older than a quarter of an hour become a statistic set
per minute. Percentiles of that time are gone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from trunkline_localcloud.patching import expect
from trunkline_localcloud.periodic import repeat
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "metric_retention"
_EVERY_SECONDS = 60.0
_WHOLE_SECONDS = 900.0
_MINUTE = 60
Point = Mapping[str, Any]


def install(settings: CloudSettings) -> None:
    """Shrink the metrics every minute."""
    from ministack.services import cloudwatch

    metrics = expect(_GAP, cloudwatch, "_metrics")
    statistics = expect(_GAP, cloudwatch, "_calc_stats", ("points",))

    def shrink() -> None:
        limit = (time.time() - _WHOLE_SECONDS) // _MINUTE * _MINUTE
        for key, points in list(metrics.items()):
            if not key[0].startswith("AWS/"):
                continue
            kept = [point for point in points if point["Timestamp"] >= limit]
            old = [point for point in points if point["Timestamp"] < limit]
            metrics[key] = [
                _summary(list(group), statistics)
                for _, group in groupby(old, key=lambda point: point["Timestamp"] // _MINUTE)
            ] + kept

    repeat(settings, _EVERY_SECONDS, shrink)


def _summary(points: list[Point], statistics: Any) -> Point:
    if len(points) == 1:
        return points[0]
    found = statistics(points)
    first = {name: points[0][name] for name in ("Timestamp", "Unit", "Dimensions")}
    return {**first, "Value": found["Average"], "_stat": found}
