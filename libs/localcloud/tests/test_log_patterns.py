"""Filter patterns of CloudWatch Logs."""

from __future__ import annotations

import pytest

from trunkline_localcloud.cloudwatch import LogPatternError, compile_log_pattern

_LINE = '{"level":"ERROR","status":503,"order":{"id":"o-1","paid":false},"tags":["a","b"],"x":null}'


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "ERROR",
        '"order" ERROR',
        "?WARN ?ERROR",
        "ERROR -DEBUG",
        '{ $.level = "ERROR" }',
        '{ $.level = "ERR*" }',
        "{ $.level = ERROR }",
        '{ $.level != "INFO" }',
        "{ $.status >= 500 && $.status < 600 }",
        "{ $.status = 503 }",
        '{ ($.status = 200) || ($.order.id = "o-1") }',
        "{ $.order.paid IS FALSE }",
        "{ $.x IS NULL }",
        "{ $.order.id EXISTS }",
        "{ $.missing NOT EXISTS }",
        '{ $.tags[1] = "b" }',
    ],
)
def test_matching(pattern: str) -> None:
    """The pattern selects the line."""
    assert compile_log_pattern(pattern)(_LINE)


@pytest.mark.parametrize(
    "pattern",
    [
        "error",
        "ERROR -order",
        "?WARN ?INFO",
        '{ $.level = "INFO" }',
        '{ $.missing != "INFO" }',
        "{ $.status > 503 }",
        '{ $.level = "ERROR" && $.status = 200 }',
        "{ $.order.paid IS TRUE }",
        "{ $.missing EXISTS }",
        '{ $.tags[9] = "b" }',
        '{ $.level = "E[R]ROR" }',
    ],
)
def test_not_matching(pattern: str) -> None:
    """The pattern leaves the line out."""
    assert not compile_log_pattern(pattern)(_LINE)


def test_json_pattern_leaves_text_out() -> None:
    """A line that is no JSON matches no JSON pattern."""
    assert not compile_log_pattern("{ $.level = ERROR }")("level=ERROR")


@pytest.mark.parametrize("pattern", ["{ $.a = ", "{ $.a }", "{ a = 1 }", "{ ($.a = 1 }", "[a, b]"])
def test_malformed_patterns_are_refused(pattern: str) -> None:
    """A pattern that is malformed or not supported is refused."""
    with pytest.raises(LogPatternError):
        compile_log_pattern(pattern)
