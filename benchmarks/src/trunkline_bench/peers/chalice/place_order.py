"""``POST /orders`` with Chalice (https://aws.github.io/chalice/topics/views.html).

Chalice parses JSON and routes; validation is pydantic's. Its documentation shows Powertools as a
middleware (https://aws.github.io/chalice/topics/middleware.html); telemetry by hand costs less.
"""

from __future__ import annotations

import json

from chalice import BadRequestError, Chalice, ConflictError, ForbiddenError, Response
from chalice.app import UnprocessableEntityError
from pydantic import ValidationError

from trunkline_bench.peers.by_hand import telemetry
from trunkline_bench.peers.by_hand.once import InProgressError, MismatchError, once
from trunkline_bench.peers.shop import orders
from trunkline_bench.peers.shop.callers import service_of
from trunkline_bench.peers.shop.models import OrderView, PlaceOrder
from trunkline_bench.peers.shop.store import find, store

app = Chalice(app_name="orders")


@app.route("/orders", methods=["POST"])
def place_order() -> Response:
    """Take an order."""
    request = app.current_request
    caller = service_of(request.context["identity"]["userArn"])
    if caller is None:
        raise ForbiddenError("the caller is no service that may call this one")
    key = request.headers.get("idempotency-key")
    if not key:
        raise BadRequestError("header Idempotency-Key is required")
    try:
        body = PlaceOrder.model_validate_json(request.raw_body)
    except ValidationError as error:
        raise UnprocessableEntityError(error.json(include_url=False)) from error
    order_id = orders.order_id_for(caller, key)
    trace = telemetry.Trace.from_xray(request.headers.get("x-amzn-trace-id"))

    def take() -> str:
        existing = find(order_id)
        if existing is not None:
            return OrderView.model_validate(orders.view_of(existing)).model_dump_json()
        order = orders.new_order(order_id, body.model_dump())
        store(order, orders.placed_event(order, body.card_token, trace.traceparent))
        telemetry.log("order placed", trace, order_id=order_id)
        telemetry.count("OrdersPlaced")
        return OrderView.model_validate(orders.view_of(order)).model_dump_json()

    seconds = app.lambda_context.get_remaining_time_in_millis() / 1000
    with telemetry.span("POST /orders", trace):
        try:
            answer = once(f"{caller}/{key}", body.model_dump_json(), seconds, take)
        except InProgressError as error:
            raise ConflictError("the first request still runs") from error
        except MismatchError as error:
            raise UnprocessableEntityError("the key was used with another payload") from error
    return Response(json.loads(answer), status_code=201)


handler = app
