"""``POST /orders`` with FastAPI behind Mangum (https://mangum.fastapiexpert.com/).

A body model, a response model and a declared header
(https://fastapi.tiangolo.com/tutorial/body/, .../response-model/, .../header-params/).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Request
from mangum import Mangum

from trunkline_bench.peers.by_hand import telemetry
from trunkline_bench.peers.by_hand.once import InProgressError, MismatchError, once
from trunkline_bench.peers.fastapi.application import CallerOf, TraceOf
from trunkline_bench.peers.shop import orders
from trunkline_bench.peers.shop.models import OrderView, PlaceOrder
from trunkline_bench.peers.shop.store import find, store

app = FastAPI()


@app.post("/orders", status_code=201)
def place_order(
    body: PlaceOrder,
    caller: CallerOf,
    trace: TraceOf,
    request: Request,
    idempotency_key: Annotated[str, Header()],
) -> OrderView:
    """Take an order."""
    order_id = orders.order_id_for(caller, idempotency_key)

    def take() -> str:
        existing = find(order_id)
        if existing is not None:
            return OrderView.model_validate(orders.view_of(existing)).model_dump_json()
        order = orders.new_order(order_id, body.model_dump())
        store(order, orders.placed_event(order, body.card_token, trace.traceparent))
        telemetry.log("order placed", trace, order_id=order_id)
        telemetry.count("OrdersPlaced")
        return OrderView.model_validate(orders.view_of(order)).model_dump_json()

    seconds = request.scope["aws.context"].get_remaining_time_in_millis() / 1000
    try:
        answer = once(f"{caller}/{idempotency_key}", body.model_dump_json(), seconds, take)
    except InProgressError as error:
        raise HTTPException(409, "the first request still runs") from error
    except MismatchError as error:
        raise HTTPException(422, "the key was used with another payload") from error
    return OrderView.model_validate_json(answer)


handler = Mangum(app, lifespan="off")
