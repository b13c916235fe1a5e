"""``POST /orders`` by hand (https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html)."""

from __future__ import annotations

import json
from typing import Any

from trunkline_bench.peers.bare.http import answer, headers_of
from trunkline_bench.peers.bare.validation import wrong_in_order
from trunkline_bench.peers.by_hand import telemetry
from trunkline_bench.peers.by_hand.once import InProgressError, MismatchError, once
from trunkline_bench.peers.shop import orders
from trunkline_bench.peers.shop.callers import service_of
from trunkline_bench.peers.shop.store import find, store


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry."""
    if (event["httpMethod"], event["resource"]) != ("POST", "/orders"):
        return answer(404, {"message": "not found"})
    caller = service_of(event["requestContext"]["identity"]["userArn"])
    if caller is None:
        return answer(403, {"message": "the caller is no service that may call this one"})
    headers = headers_of(event)
    key = headers.get("idempotency-key")
    if not key:
        return answer(400, {"message": "header Idempotency-Key is required"})
    body = json.loads(event["body"])
    wrong = wrong_in_order(body)
    if wrong:
        return answer(400, {"message": "some fields are wrong", "fields": wrong})
    order_id = orders.order_id_for(caller, key)
    trace = telemetry.Trace.from_xray(headers.get("x-amzn-trace-id"))

    def take() -> str:
        existing = find(order_id)
        if existing is not None:
            return json.dumps(orders.view_of(existing))
        order = orders.new_order(order_id, body)
        store(order, orders.placed_event(order, body["card_token"], trace.traceparent))
        telemetry.log("order placed", trace, order_id=order_id)
        telemetry.count("OrdersPlaced")
        return json.dumps(orders.view_of(order))

    seconds = context.get_remaining_time_in_millis() / 1000
    with telemetry.span("POST /orders", trace):
        try:
            view = once(f"{caller}/{key}", json.dumps(body, sort_keys=True), seconds, take)
        except InProgressError:
            return answer(409, {"message": "the first request still runs"})
        except MismatchError:
            return answer(422, {"message": "the key was used with another payload"})
    return answer(201, view)
