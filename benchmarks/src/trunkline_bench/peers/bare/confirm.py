"""Payments that were captured, from a queue, by hand.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from typing import Any

from trunkline_bench.peers.bare.validation import wrong_in_payment
from trunkline_bench.peers.by_hand import telemetry
from trunkline_bench.peers.by_hand.batch import process
from trunkline_bench.peers.by_hand.once import once


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry."""
    return process(event["Records"], lambda record: _confirm(record["body"], context))


def _confirm(body: str, context: Any) -> None:
    event = json.loads(body)
    wrong = wrong_in_payment(event)
    if wrong:
        raise ValueError(f"some fields are wrong: {wrong}")
    trace = telemetry.Trace.from_traceparent(event.get("traceparent"))

    def work() -> str:
        telemetry.log("payment captured", trace, order_id=event["data"]["order_id"])
        telemetry.count("PaymentsCaptured")
        return ""

    with telemetry.span(f"process {event['type']}", trace):
        once(event["id"], "", context.get_remaining_time_in_millis() / 1000, work)
