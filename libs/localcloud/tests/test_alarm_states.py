"""How alarm states follow from datapoints: AWS's own tables, and the arithmetic of expressions."""

from __future__ import annotations

import pytest

from trunkline_localcloud.cloudwatch import (
    AlarmRule,
    ExpressionError,
    MetricExpression,
    decide,
)

_TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
_POINTS = {"0": 0.0, "X": 9.0, "-": None}


def _decided(points: str, treatment: str, *, periods: int, to_alarm: int) -> str:
    rule = AlarmRule(
        threshold=5.0,
        comparison="GreaterThanThreshold",
        periods=periods,
        to_alarm=to_alarm,
        missing=treatment,
    )
    return decide([_POINTS[point] for point in points[-periods:]], rule) or "same"


@pytest.mark.parametrize(
    ("points", "states"),
    [
        ("0X0", ("OK", "OK", "OK", "OK")),
        ("--0", ("OK", "OK", "OK", "OK")),
        ("---", ("INSUFFICIENT_DATA", "same", "ALARM", "OK")),
        ("XXX", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("X--", ("ALARM", "same", "ALARM", "OK")),
        ("--X", ("same", "same", "ALARM", "OK")),
    ],
)
def test_three_out_of_three(points: str, states: tuple[str, ...]) -> None:
    """Missing data is treated as AWS's table for three out of three datapoints says."""
    decided = [_decided(points, each, periods=3, to_alarm=3) for each in _TREATMENTS]
    assert list(states) == decided


@pytest.mark.parametrize(
    ("points", "states"),
    [
        ("0X0", ("OK", "OK", "OK", "OK")),
        ("X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0-X", ("OK", "OK", "ALARM", "OK")),
        ("---", ("INSUFFICIENT_DATA", "same", "ALARM", "OK")),
    ],
)
def test_two_out_of_three(points: str, states: tuple[str, ...]) -> None:
    """Fewer datapoints than periods suffice to alarm."""
    decided = [_decided(points, each, periods=3, to_alarm=2) for each in _TREATMENTS]
    assert list(states) == decided


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanOrEqualToThreshold", [False, True, True]),
        ("GreaterThanThreshold", [False, False, True]),
        ("LessThanThreshold", [True, False, False]),
        ("LessThanOrEqualToThreshold", [True, True, False]),
    ],
)
def test_comparisons(comparison: str, breaching: list[bool]) -> None:
    """Each comparison holds on its side of the threshold, and at it when it says so."""
    rule = AlarmRule(threshold=2.0, comparison=comparison, periods=1, to_alarm=1)
    assert breaching == [rule.breaches(value) for value in (1.0, 2.0, 3.0)]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("errors / calls", 0.25),
        ("100 * errors / MAX([calls, 1])", 25.0),
        ("IF(calls > 3 AND errors >= 1, errors, 0)", 1.0),
        ("IF(calls > 9 || errors < 1, 1, -2)", -2.0),
        ("FILL(absent, 7)", 7.0),
        ("SUM([errors, calls, absent])", 5.0),
        ("AVG([errors, calls])", 2.5),
        ("absent + 1", None),
        ("errors / (calls - 4)", None),
        ("CEIL(errors / calls)", 1.0),
        ("calls ^ 2", 16.0),
    ],
)
def test_expressions(expression: str, value: float | None) -> None:
    """Expressions are computed; without data, or by zero, there is no value."""
    values = {"errors": 1.0, "calls": 4.0, "absent": None}
    assert value == MetricExpression(expression).value(values)


@pytest.mark.parametrize(
    "expression", ["errors /", "RATE(errors)", "errors.real", "[e for e in m]"]
)
def test_unsupported_expressions_are_refused(expression: str) -> None:
    """What cannot be computed is refused when it is read, not when it is needed."""
    with pytest.raises(ExpressionError):
        MetricExpression(expression)
