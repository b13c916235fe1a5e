"""Traces lead through every hop, and everything that is written is one JSON line."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_contract import PaymentSeen

from trunkline import Caller
from trunkline.telemetry import tracing
from trunkline.telemetry.logs import configure_logs
from trunkline.telemetry.setup import configure
from trunkline.telemetry.xray import parse_xray
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def lines(capsys: pytest.CaptureFixture[str], kind: str) -> list[dict[str, Any]]:
    """What was written, line by line."""
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in found if line["type"] == kind]


def call(shop: ServiceHarness, headers: dict[str, str]) -> None:
    """Ask for an order that is not there."""
    event = api_event("GET", "/orders/x", caller=Caller.service("shop"), headers=headers)
    shop.program.api.handle(event, far_away())


def test_one_trace_from_request_to_consumer(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """Request, relay and consumer are spans of one trace, each the parent of the next."""
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "Idempotency-Key": "k"}
    shop.call("POST", "/orders", {"sku": "a", "quantity": 1}, headers=headers)
    shop.relay()
    spans = lines(capsys, "span")
    request, publish = spans[0], next(s for s in spans if s["name"].startswith("publish shop."))
    sent = f"00-{publish['trace_id']}-{publish['span_id']}-01"
    shop.deliver(PaymentSeen(order_id="order-k"), traceparent=sent)
    (process,) = lines(capsys, "span")
    assert {request["trace_id"], publish["trace_id"], process["trace_id"]} == {TRACE}
    assert request["parent_span_id"] == PARENT
    assert publish["parent_span_id"] == request["span_id"]
    assert process["parent_span_id"] == publish["span_id"]
    assert {s["attributes"]["subject"] for s in (request, publish, process)} == {"order-k"}
    assert (request["service"], request["function"]) == ("shop", "api")
    assert (publish["function"], process["function"]) == ("relay", "on-payment-seen")
    assert process["name"] == "process shop.payment_seen.v1"
    assert process["status"] == "ok"
    assert request["start"] <= request["end"]


def test_amazons_header_is_read(shop: ServiceHarness, capsys: pytest.CaptureFixture[str]) -> None:
    """X-Amzn-Trace-Id names trace and parent; without a parent the trace keeps its id."""
    root = f"Root=1-{TRACE[:8]}-{TRACE[8:]}"
    call(shop, {"X-Amzn-Trace-Id": f"{root};Parent={PARENT};Sampled=1"})
    call(shop, {"x-amzn-trace-id": root})
    first, second = lines(capsys, "span")
    assert first["trace_id"] == second["trace_id"] == TRACE
    assert first["parent_span_id"] == PARENT
    assert second["parent_span_id"] is None


def test_w3c_header_comes_first(shop: ServiceHarness, capsys: pytest.CaptureFixture[str]) -> None:
    """Where both headers are present, traceparent counts."""
    root = f"Root=1-{'a' * 8}-{'b' * 24}"
    call(shop, {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Amzn-Trace-Id": root})
    (span,) = lines(capsys, "span")
    assert span["trace_id"] == TRACE


def test_sampling_decision_is_honoured(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """A caller that does not sample is followed: no span is written."""
    call(shop, {"traceparent": f"00-{TRACE}-{PARENT}-00"})
    call(shop, {"X-Amzn-Trace-Id": f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={PARENT};Sampled=0"})
    assert lines(capsys, "span") == []


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-extra",
        f"00-{TRACE[:-1]}-{PARENT}-01",
    ],
)
def test_malformed_header_starts_a_new_trace(header: str) -> None:
    """What the W3C recommendation calls invalid is ignored as a whole."""
    from opentelemetry.trace import get_current_span

    context = tracing.from_traceparent(header)
    assert not get_current_span(context).get_span_context().is_valid


@given(st.text() | st.from_regex(r"Root=[0-9a-f-]*;Parent=[0-9a-f]*;Sampled=.?", fullmatch=True))
def test_amazons_header_never_breaks_anything(header: str) -> None:
    """Whatever the header holds, it is either understood or ignored."""
    parsed = parse_xray(header)
    assert parsed is None or parsed.trace_id > 0


def test_all_zero_trace_is_ignored() -> None:
    """An id of zeros is no id."""
    assert parse_xray(f"Root=1-{'0' * 8}-{'0' * 24}") is None


def test_failure_marks_its_span_and_log(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed message has a span with status error and a log line with the same trace id."""
    shop.deliver(PaymentSeen(order_id="1", fail="boom"))
    output = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (span,) = [line for line in output if line["type"] == "span"]
    (log,) = [line for line in output if line["type"] == "log"]
    assert span["status"] == "error"
    assert span["error"] == "RuntimeError"
    assert log["trace_id"] == span["trace_id"]
    assert log["level"] == "WARNING"
    assert "RuntimeError: boom" in log["exception"]
    assert log["receives"] == 1


def test_log_line_has_its_extra_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """What an author passes as extra becomes fields; values that JSON lacks become text."""
    configure()
    logging.getLogger("shop").info("hello %s", "world", extra={"order": "1", "odd": {1}})
    (line,) = lines(capsys, "log")
    assert line["message"] == "hello world"
    assert (line["order"], line["odd"]) == ("1", "{1}")
    assert "trace_id" not in line


def test_lambdas_own_handler_makes_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a function each line is written once; elsewhere other handlers are left alone."""
    root = logging.getLogger()
    before = list(root.handlers)
    monkeypatch.setattr(root, "handlers", [*before, logging.StreamHandler(sys.stdout)])
    configure_logs()
    assert len(root.handlers) >= 2
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "x")
    configure_logs()
    logging.getLogger("shop").warning("once")
    (line,) = lines(capsys, "log")
    assert line["message"] == "once"


def test_span_tells_its_exception(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception that leaves a span is seen in it, and goes on."""
    configure()
    with pytest.raises(KeyError), tracing.span("work", attributes={"n": 1}):
        raise KeyError("x")
    (line,) = lines(capsys, "span")
    assert line["status"] == "error"
    assert line["attributes"] == {"n": 1}
    assert tracing.traceparent() is None
    assert tracing.trace_id() is None
