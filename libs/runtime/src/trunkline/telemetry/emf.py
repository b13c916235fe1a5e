"""CloudWatch's embedded metric format: metrics as JSON lines among the logs.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

MAX_METRICS = 100
"""Metric definitions of one line."""
MAX_VALUES = 100
"""Values of one metric on one line."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


def namespace(environment: str | None) -> str:
    """Where metrics are found; environments of one account do not mix."""
    return "Trunkline" if environment is None else f"Trunkline/{environment}"


def lines(
    namespace: str,
    dimensions: Mapping[str, str],
    counts: Mapping[str, float],
    values: Mapping[str, tuple[str, Sequence[float]]],
) -> list[str]:
    """One line, or more if the format's limits ask for it.

    Args:
        namespace: CloudWatch's.
        dimensions: by name; besides all of them together, all but ``handler`` are a set too, so
            that a function's sums exist without adding up its handlers.
        counts: sums by name.
        values: unit and single measurements by name.
    """
    facts: list[tuple[str, str, Any]] = [(name, "Count", held) for name, held in counts.items()]
    for name, (unit, found) in values.items():
        facts += [
            (name, unit, found[start] if len(found) == 1 else found[start : start + MAX_VALUES])
            for start in range(0, len(found), MAX_VALUES)
        ]
    written: list[str] = []
    while facts:
        line: dict[str, tuple[str, Any]] = {}
        later: list[tuple[str, str, Any]] = []
        for name, unit, value in facts:
            if name in line or len(line) == MAX_METRICS:
                later.append((name, unit, value))
            else:
                line[name] = (unit, value)
        written.append(_line(namespace, dimensions, line))
        facts = later
    return written


def _line(
    namespace: str, dimensions: Mapping[str, str], facts: Mapping[str, tuple[str, Any]]
) -> str:
    sets = [[name for name in dimensions if name != "handler"]]
    if "handler" in dimensions:
        sets.append(list(dimensions))
    directive = {
        "Namespace": namespace,
        "Dimensions": sets,
        "Metrics": [{"Name": name, "Unit": unit} for name, (unit, _) in facts.items()],
    }
    document: dict[str, Any] = {
        "type": "metrics",
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
    }
    document.update((name, value) for name, (_, value) in facts.items())
    return _encode(document)
