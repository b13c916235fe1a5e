"""``POST /quotes`` with FastAPI behind Mangum: route, validate, authorise, log, count, trace.

https://mangum.fastapiexpert.com/ and https://fastapi.tiangolo.com/tutorial/response-model/
"""

from __future__ import annotations

from fastapi import FastAPI
from mangum import Mangum

from trunkline_bench.peers.by_hand import telemetry
from trunkline_bench.peers.fastapi.application import CallerOf, TraceOf
from trunkline_bench.peers.shop.models import Money, PlaceOrder, QuoteView
from trunkline_bench.peers.shop.orders import total_of

app = FastAPI()


@app.post("/quotes", status_code=201)
async def quote(body: PlaceOrder, caller: CallerOf, trace: TraceOf) -> QuoteView:
    """Say what an order would cost."""
    telemetry.log("quoted", trace, sku=body.sku, caller=caller)
    telemetry.count("Quotes")
    total = Money(**total_of(body.sku, body.quantity))
    return QuoteView(sku=body.sku, quantity=body.quantity, total=total)


handler = Mangum(app, lifespan="off")
