"""Where the cloud's own metrics go: MiniStack's CloudWatch store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline_localcloud.patching import expect

__all__ = ["Datum", "MetricSink"]

_GAP = "metric_sink"
_SIGNIFICANT_DIGITS = 3


@dataclass(frozen=True)
class Datum:
    """One observation of one metric."""

    namespace: str
    name: str
    value: float
    unit: str = "Count"
    dimensions: Mapping[str, str] = field(default_factory=dict)


class MetricSink:
    """Writes observations into MiniStack's store, from any thread.

    Equal values of a metric within one second are one point with a count. So that a load test does
    not fill the memory, values keep three significant digits.

    It must be made on the loop that serves the cloud; all writing happens there, where MiniStack
    reads.
    """

    def __init__(self) -> None:
        from ministack.services import cloudwatch

        self._loop = asyncio.get_running_loop()
        self._bucket = expect(_GAP, cloudwatch, "_metric_bucket", ("key",))
        self._key = expect(_GAP, cloudwatch, "_dims_key", ("dims",))
        self._second = 0
        self._points: dict[tuple[Any, ...], dict[str, Any]] = {}

    def put(self, data: Iterable[Datum]) -> None:
        """Record observations as of now, in the account and region of the calling context."""
        self._loop.call_soon_threadsafe(self._store, tuple(data))

    def _store(self, data: tuple[Datum, ...]) -> None:
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._points.clear()
        for datum in data:
            value = float(f"{datum.value:.{_SIGNIFICANT_DIGITS}g}")
            metric = (datum.namespace, datum.name, self._key(datum.dimensions))
            point = self._points.get((*metric, datum.unit, value))
            if point is not None:
                point["Count"] += 1.0
                continue
            point = {
                "Timestamp": now,
                "Value": value,
                "Count": 1.0,
                "Unit": datum.unit,
                "Dimensions": dict(datum.dimensions),
            }
            self._points[(*metric, datum.unit, value)] = point
            self._bucket(metric).append(point)
