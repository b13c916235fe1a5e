"""How an alarm's state follows from its datapoints.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
(sections "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data"). AWS may
look at more periods than the alarm names when some are empty; here it looks at those alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["AlarmRule", "AlarmState", "decide"]

AlarmState = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True)
class AlarmRule:
    """What makes an alarm."""

    threshold: float
    comparison: str
    """A ``ComparisonOperator``."""
    periods: int
    """``EvaluationPeriods``: how many datapoints are looked at."""
    to_alarm: int
    """``DatapointsToAlarm``: how many of them must breach."""
    missing: str = "missing"
    """``TreatMissingData``."""

    def breaches(self, value: float) -> bool:
        """Whether a datapoint is on the wrong side of the threshold."""
        compare = _BREACHES.get(self.comparison)
        return compare is not None and compare(value, self.threshold)


def decide(points: Sequence[float | None], rule: AlarmRule) -> AlarmState | None:
    """The state that datapoints give, or None when the state stays what it is.

    Args:
        points: One per period, the newest last, None where the metric has no data.
        rule: What makes the alarm.
    """
    known = [rule.breaches(point) for point in points if point is not None]
    lacking = len(points) - len(known)
    if rule.missing == "breaching":
        return "ALARM" if sum(known) + lacking >= rule.to_alarm else "OK"
    if rule.missing == "notBreaching":
        return "ALARM" if sum(known) >= rule.to_alarm else "OK"
    if sum(known) >= rule.to_alarm:
        return "ALARM"
    if not known:
        return None if rule.missing == "ignore" else "INSUFFICIENT_DATA"
    if not all(known):
        return "OK"
    # Nothing but breaching datapoints, and too few of them. AWS alarms when the oldest is as old as
    # the number that it takes, and waits otherwise, lest intermittent data alarm prematurely.
    oldest = next(
        age
        for age, point in zip(range(len(points), 0, -1), points, strict=True)
        if point is not None
    )
    return "ALARM" if rule.missing == "missing" and oldest >= rule.to_alarm else None
