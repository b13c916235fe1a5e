"""``POST /quotes`` with Powertools: route, validate, authorise, log, count, trace.

Assembled as :mod:`trunkline_bench.peers.powertools.place_order`, whose pages it follows.
"""

from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import ForbiddenError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from trunkline_bench.peers.shop.callers import service_of
from trunkline_bench.peers.shop.models import Money, PlaceOrder, QuoteView
from trunkline_bench.peers.shop.orders import total_of

logger = Logger(service="orders")
tracer = Tracer(service="orders")
metrics = Metrics(namespace="shop", service="orders")
app = APIGatewayRestResolver(enable_validation=True)


def authorise(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """Let only declared services through."""
    if service_of(app.current_event.request_context.identity.user_arn) is None:
        raise ForbiddenError("the caller is no service that may call this one")
    return next_middleware(app)


@app.post("/quotes", middlewares=[authorise])
def quote(body: PlaceOrder) -> tuple[QuoteView, int]:
    """Say what an order would cost."""
    logger.info("quoted", sku=body.sku)
    metrics.add_metric(name="Quotes", unit=MetricUnit.Count, value=1)
    total = Money(**total_of(body.sku, body.quantity))
    return QuoteView(sku=body.sku, quantity=body.quantity, total=total), 201


@metrics.log_metrics
@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry."""
    return app.resolve(event, context)
