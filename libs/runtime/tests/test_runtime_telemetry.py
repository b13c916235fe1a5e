"""Traces lead through every hop, and everything that is written is one JSON line."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from shop_contract import PaymentSeen

from trunkline import Caller
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.outbox import OutboxItem
from trunkline.telemetry import tracing
from trunkline.telemetry.logs import configure_logs
from trunkline.telemetry.setup import configure
from trunkline.telemetry.xray import parse_xray
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event, queue_record

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


KEY = {"Idempotency-Key": "k"}


class Recorded:
    """A way out that keeps what is sent through it."""

    def __init__(self, sent: list[CloudEvent]) -> None:
        self._sent = sent

    def of(self, _item: OutboxItem) -> Recorded:
        """Itself, for every item."""
        return self

    def send(self, items: Sequence[OutboxItem]) -> dict[Any, str]:
        """Keep them all."""
        self._sent += [item.envelope for item in items]
        return {}


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


def test_state_of_others_is_carried_on(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """tracestate goes from the request into the outbox, and with the event to its consumers."""
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "rojo=1,congo=2"}
    shop.call("POST", "/orders", {"sku": "a", "quantity": 1}, headers={**headers, **KEY})
    sent: list[CloudEvent] = []
    shop.program.relay._channels = Recorded(sent)  # what goes out is what others see
    shop.relay()
    assert {envelope.tracestate for envelope in sent} == {"rojo=1,congo=2"}
    (line, *_) = lines(capsys, "span")
    assert line["trace_id"] == TRACE


def test_a_batch_has_a_span_with_links_to_its_senders(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each message is below its sender; the batch's own span points at all of them."""
    shop.deliver(PaymentSeen(order_id="warm"))  # gives the function its queues
    capsys.readouterr()
    senders = [(TRACE, PARENT), ("a" * 32, "b" * 16)]
    records = [
        queue_record(
            CloudEvent.of(
                PaymentSeen(order_id=trace_id),
                event_id=trace_id,
                source="bank",
                traceparent=f"00-{trace_id}-{span_id}-01",
            ).dump()
        )
        for trace_id, span_id in senders
    ]
    shop.program.consumer("on-payment-seen").handle({"Records": records}, far_away())
    *processed, batch = lines(capsys, "span")
    found = [(span["trace_id"], span["parent_span_id"]) for span in processed]
    assert found == senders
    assert [(link["trace_id"], link["span_id"]) for link in batch["links"]] == senders
    assert (batch["name"], batch["kind"]) == ("process batch", "consumer")
    assert batch["attributes"] == {"messaging.batch.message_count": 2}
    assert batch["trace_id"] not in dict(senders)
    assert (batch["service"], batch["function"]) == ("shop", "on-payment-seen")


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
    call(shop, {"X-Amzn-Trace-Id": f"Root=1-{TRACE[:8]}-{TRACE[8:]};Sampled=0"})
    assert lines(capsys, "span") == []


def test_ids_of_an_unsampled_trace_are_passed_on(shop: ServiceHarness) -> None:
    """Who comes next learns of the trace, and that it is not sampled."""
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00", **KEY}
    shop.call("POST", "/orders", {"sku": "a", "quantity": 1}, headers=headers)
    sent: list[CloudEvent] = []
    shop.program.relay._channels = Recorded(sent)
    shop.relay()
    for envelope in sent:
        version, trace_id, span_id, bits = str(envelope.traceparent).split("-")
        assert (version, trace_id, bits) == ("00", TRACE, "00")
        assert span_id != PARENT
    assert len(sent) == 2


def test_lambdas_own_trace_is_the_root(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Work that nobody's trace led to belongs to the trace that Lambda began for it."""
    configure()
    root = f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={PARENT}"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"{root};Sampled=1;Lineage=1:0:0")
    with tracing.span("sweep"):
        assert tracing.outgoing_headers()["X-Amzn-Trace-Id"].startswith(f"Root=1-{TRACE[:8]}-")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"{root};Sampled=0")
    with tracing.span("sweep unsampled"):
        assert tracing.outgoing_headers()["X-Amzn-Trace-Id"].endswith("Sampled=0")
    (line,) = lines(capsys, "span")
    assert (line["trace_id"], line["parent_span_id"]) == (TRACE, PARENT)
    assert tracing.outgoing_headers() == {}


def test_authors_use_opentelemetrys_own_api(capsys: pytest.CaptureFixture[str]) -> None:
    """What the API promises of spans holds: events, links, names, states, exceptions."""
    configure()
    tracer = trace.get_tracer("shop")

    def fail() -> None:
        with tracer.start_as_current_span("inner") as inner:
            inner.set_attributes({"a": [1, 2]})
            inner.add_event("halfway", {"left": 1})
            inner.update_name("renamed")
            met.append(inner.get_span_context())
            raise KeyError("x")

    met: list[trace.SpanContext] = []
    with tracer.start_as_current_span("outer", attributes={"n": 1}) as outer:
        with pytest.raises(KeyError):
            fail()
        outer.add_link(met[0])
        outer.set_status(trace.StatusCode.OK)
        outer.set_status(trace.StatusCode.ERROR, "too late")
    outer.end()  # a second end is ignored
    assert not outer.is_recording()
    child, parent = lines(capsys, "span")
    assert (child["name"], child["status"], child["error"]) == ("renamed", "error", "KeyError: 'x'")
    assert [event["name"] for event in child["events"]] == ["halfway", "exception"]
    assert child["events"][1]["attributes"]["exception.type"] == "KeyError"
    assert child["attributes"] == {"a": [1, 2]}
    assert child["parent_span_id"] == parent["span_id"]
    assert parent["status"] == "ok"
    assert parent["links"] == [{"trace_id": child["trace_id"], "span_id": child["span_id"]}]


def test_links_of_a_span_are_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    """A batch of thousands keeps its line short."""
    configure()
    with tracing.batch("process", 200, kind="consumer"):
        for number in range(1, 200):
            tracing.link(tracing.from_traceparent(f"00-{number:032x}-{PARENT}-01"))
    (line,) = lines(capsys, "span")
    assert len(line["links"]) == 128


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
