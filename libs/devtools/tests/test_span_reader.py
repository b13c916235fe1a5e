"""Spans found in the functions' logs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from moto import mock_aws

from trunkline.manifest import Function, Manifest
from trunkline_devtools.aws import Aws, Credentials, SpanReader

TRACE, OTHER = "a" * 32, "b" * 32
GROUP = "/aws/lambda/trunkline-test-orders-api"


def _line(trace_id: str, span_id: str, links: list[dict[str, str]]) -> str:
    moment = "2026-11-22T06:00:00.000Z"
    return json.dumps(
        {
            "type": "span", "trace_id": trace_id, "span_id": span_id, "parent_span_id": None,
            "name": "process", "kind": "consumer", "service": "orders", "function": "api",
            "start": moment, "end": moment, "status": "ok", "attributes": {}, "links": links,
        }
    )  # fmt: skip


@pytest.fixture
def reader() -> Iterator[SpanReader]:
    """A reader of one function's log: a message's span, and that of the batch it came with."""
    function = Function(
        name="api", trigger="api", handler="h", timeout_seconds=1, memory_mb=128
    )  # fmt: skip
    manifest = Manifest(service="orders", entry="orders:service", functions=(function,))
    with mock_aws():
        aws = Aws("eu-central-1", credentials=Credentials("key", "secret"))
        logs = aws.client("logs")
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
        linked = [{"trace_id": TRACE, "span_id": "1" * 16}]
        lines = [_line(TRACE, "1" * 16, []), _line(OTHER, "2" * 16, linked)]
        now = int(time.time() * 1000)
        logs.put_log_events(
            logGroupName=GROUP, logStreamName="s",
            logEvents=[{"timestamp": now, "message": line} for line in lines],
        )  # fmt: skip
        yield SpanReader(aws, "test", [manifest])


def test_a_trace_is_without_what_links_to_it(reader: SpanReader) -> None:
    """A batch's span mentions its messages' traces, and belongs to none of them."""
    assert {span.trace_id for span in reader.containing(TRACE)} == {TRACE, OTHER}
    assert [span.span_id for span in reader.of_trace(TRACE)] == ["1" * 16]
