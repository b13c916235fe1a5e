"""A captured payment by hand, validated with pydantic: for frameworks that bring nothing for it."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from trunkline_bench.peers.by_hand import telemetry
from trunkline_bench.peers.by_hand.once import once
from trunkline_bench.peers.shop.models import PaymentCapturedEvent

_EVENT = TypeAdapter(PaymentCapturedEvent)


def confirm(body: str, context: Any) -> None:
    """Deal with one message's body, once per event."""
    event = _EVENT.validate_json(body)
    trace = telemetry.Trace.from_traceparent(event.traceparent)

    def work() -> str:
        telemetry.log("payment captured", trace, order_id=event.data.order_id)
        telemetry.count("PaymentsCaptured")
        return ""

    with telemetry.span(f"process {event.type}", trace):
        once(event.id, "", context.get_remaining_time_in_millis() / 1000, work)
