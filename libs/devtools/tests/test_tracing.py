"""Spans read from logs and joined into trees."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from trunkline_devtools.tracing import Span, as_json, build_tree, parse_span, walk

START = dt.datetime(2026, 11, 22, 6, 0, 0, tzinfo=dt.UTC)


def _span(span_id: str, parent: str | None = None, after_ms: int = 0) -> Span:
    start = START + dt.timedelta(milliseconds=after_ms)
    return Span(
        trace_id="t",
        span_id=span_id,
        parent_span_id=parent,
        name=f"span {span_id}",
        kind="server",
        service="orders",
        function="api",
        start=start,
        end=start + dt.timedelta(milliseconds=5),
        status="ok",
    )


def _line(**changes: Any) -> str:
    content = {
        "type": "span",
        "trace_id": "t",
        "span_id": "a",
        "parent_span_id": None,
        "name": "POST /orders",
        "kind": "server",
        "service": "storefront",
        "function": "api",
        "start": "2026-11-22T06:00:00.000Z",
        "end": "2026-11-22T06:00:00.025Z",
        "status": "ok",
        "attributes": {"subject": "order-1"},
        "links": [],
    }
    return json.dumps({**content, **changes})


def test_a_span_is_read_from_its_log_line() -> None:
    """Identity, times and subject come out of the line."""
    span = parse_span(_line())

    assert span is not None
    assert (span.service, span.name, span.subject) == ("storefront", "POST /orders", "order-1")
    assert span.milliseconds == 25.0


def test_what_lambda_writes_before_the_line_is_passed_over() -> None:
    """A prefix before the JSON does not matter."""
    assert parse_span(f"2026-11-22T06:00:00Z abc INFO {_line()}") is not None


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 1",
        '{"type": "log", "message": "a \\"span\\" of time"}',
        _line(start="yesterday"),
        '{"type": "span"}',
        '"span" {',
    ],
)
def test_other_lines_are_no_spans(line: str) -> None:
    """Lines of other kinds and broken spans are passed over."""
    assert parse_span(line) is None


def test_children_lie_below_their_parent_in_order() -> None:
    """Whatever the order of the lines, the tree follows causes and then times."""
    spans = [_span("c", "a", 20), _span("b", "a", 10), _span("a"), _span("d", "b", 12)]

    order = [(depth, span.span_id) for depth, span in walk(build_tree(spans))]

    assert order == [(0, "a"), (1, "b"), (2, "d"), (1, "c")]


def test_a_span_whose_parent_is_unknown_is_a_root() -> None:
    """The caller's own span is not in our logs."""
    forest = build_tree([_span("a", "the-callers"), _span("b", "a", 1)])

    assert [node.span.span_id for node in forest] == ["a"]


def test_spans_in_a_circle_appear_once() -> None:
    """Broken input neither hides a span nor goes on for ever."""
    forest = build_tree([_span("a", "b"), _span("b", "a", 1), _span("c", "c", 2)])

    assert sorted(span.span_id for _, span in walk(forest)) == ["a", "b", "c"]


def test_a_tree_becomes_plain_data() -> None:
    """Programs get the same nesting, with milliseconds."""
    data = as_json(build_tree([_span("a"), _span("b", "a", 3)]))

    assert data[0]["milliseconds"] == 5.0
    assert [child["span_id"] for child in data[0]["children"]] == ["b"]
