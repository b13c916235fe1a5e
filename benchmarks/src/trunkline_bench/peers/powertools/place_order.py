"""``POST /orders`` with Powertools.

Assembled as its documentation shows: a resolver with validation
(https://docs.aws.amazon.com/powertools/python/latest/core/event_handler/api_gateway/#data-validation),
authorisation as a middleware of the route
(.../core/event_handler/api_gateway/#middleware), logger, tracer and metrics as decorators of the
handler (.../core/logger/, .../core/tracer/, .../core/metrics/), and idempotency around the function
that does the work, with a pydantic result
(https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/#idempotent_function-decorator).
The persistence layer shares the application's DynamoDB client, which saves making a second one.
"""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, ForbiddenError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.serialization.pydantic import PydanticSerializer
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from trunkline_bench.peers.shop import orders
from trunkline_bench.peers.shop.callers import service_of
from trunkline_bench.peers.shop.models import OrderView, PlaceOrder
from trunkline_bench.peers.shop.store import dynamodb, find, store

logger = Logger(service="orders")
tracer = Tracer(service="orders")
metrics = Metrics(namespace="shop", service="orders")
app = APIGatewayRestResolver(enable_validation=True)
persistence = DynamoDBPersistenceLayer(
    table_name=os.environ["SHOP_IDEMPOTENCY_TABLE"], boto3_client=dynamodb
)
config = IdempotencyConfig(
    event_key_jmespath="[caller, key]",
    payload_validation_jmespath="body",
    raise_on_no_idempotency_key=True,
    expires_after_seconds=24 * 3600,
)


class Request(BaseModel):
    """What one effect is guaranteed for."""

    caller: str
    key: str
    body: PlaceOrder


def authorise(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """Let only declared services through."""
    caller = service_of(app.current_event.request_context.identity.user_arn)
    if caller is None:
        raise ForbiddenError("the caller is no service that may call this one")
    app.append_context(caller=caller)
    return next_middleware(app)


@app.post("/orders", middlewares=[authorise])
@tracer.capture_method
def place_order(body: PlaceOrder) -> tuple[OrderView, int]:
    """Take an order."""
    key = app.current_event.headers.get("Idempotency-Key")
    if not key:
        raise BadRequestError("header Idempotency-Key is required")
    request = Request(caller=app.context["caller"], key=key, body=body)
    return take(request=request), 201


@idempotent_function(
    data_keyword_argument="request",
    config=config,
    persistence_store=persistence,
    output_serializer=PydanticSerializer(model=OrderView),
)
def take(request: Request) -> OrderView:
    """Store the order and the event that starts its payment."""
    order_id = orders.order_id_for(request.caller, request.key)
    existing = find(order_id)
    if existing is not None:
        return OrderView.model_validate(orders.view_of(existing))
    order = orders.new_order(order_id, request.body.model_dump())
    segment = tracer.provider.current_subsegment()
    traceparent = f"00-{segment.trace_id[2:].replace('-', '')}-{segment.id}-01"
    store(order, orders.placed_event(order, request.body.card_token, traceparent))
    logger.info("order placed", order_id=order_id)
    metrics.add_metric(name="OrdersPlaced", unit=MetricUnit.Count, value=1)
    return OrderView.model_validate(orders.view_of(order))


@metrics.log_metrics
@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
@tracer.capture_lambda_handler
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry."""
    config.register_lambda_context(context)
    return app.resolve(event, context)
