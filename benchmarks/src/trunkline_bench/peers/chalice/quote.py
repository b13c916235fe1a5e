"""``POST /quotes`` with Chalice: route, validate, authorise, log, count, trace.

https://aws.github.io/chalice/topics/views.html
"""

from __future__ import annotations

from chalice import Chalice, ForbiddenError, Response
from chalice.app import UnprocessableEntityError
from pydantic import ValidationError

from trunkline_bench.peers.by_hand import telemetry
from trunkline_bench.peers.shop.callers import service_of
from trunkline_bench.peers.shop.models import Money, PlaceOrder, QuoteView
from trunkline_bench.peers.shop.orders import total_of

app = Chalice(app_name="orders")


@app.route("/quotes", methods=["POST"])
def quote() -> Response:
    """Say what an order would cost."""
    request = app.current_request
    if service_of(request.context["identity"]["userArn"]) is None:
        raise ForbiddenError("the caller is no service that may call this one")
    try:
        body = PlaceOrder.model_validate_json(request.raw_body)
    except ValidationError as error:
        raise UnprocessableEntityError(error.json(include_url=False)) from error
    trace = telemetry.Trace.from_xray(request.headers.get("x-amzn-trace-id"))
    with telemetry.span("POST /quotes", trace):
        telemetry.log("quoted", trace, sku=body.sku)
        telemetry.count("Quotes")
        total = Money(**total_of(body.sku, body.quantity))
        view = QuoteView(sku=body.sku, quantity=body.quantity, total=total)
        return Response(view.model_dump(mode="json"), status_code=201)


handler = app
