"""``POST /quotes`` by hand (https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html)."""

from __future__ import annotations

import json
from typing import Any

from trunkline_bench.peers.bare.http import answer, headers_of
from trunkline_bench.peers.bare.validation import wrong_in_order
from trunkline_bench.peers.by_hand import telemetry
from trunkline_bench.peers.shop.callers import service_of
from trunkline_bench.peers.shop.orders import total_of


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry."""
    if (event["httpMethod"], event["resource"]) != ("POST", "/quotes"):
        return answer(404, {"message": "not found"})
    if service_of(event["requestContext"]["identity"]["userArn"]) is None:
        return answer(403, {"message": "the caller is no service that may call this one"})
    body = json.loads(event["body"])
    wrong = wrong_in_order(body)
    if wrong:
        return answer(400, {"message": "some fields are wrong", "fields": wrong})
    trace = telemetry.Trace.from_xray(headers_of(event).get("x-amzn-trace-id"))
    with telemetry.span("POST /quotes", trace):
        telemetry.log("quoted", trace, sku=body["sku"])
        telemetry.count("Quotes")
        sku, quantity = body["sku"], body["quantity"]
        return answer(201, {"sku": sku, "quantity": quantity, "total": total_of(sku, quantity)})
