"""Payments that were captured, from a queue, with Powertools.

A batch processor whose records are pydantic models
(https://docs.aws.amazon.com/powertools/python/latest/utilities/batch/#pydantic-integration), each
record traced and dealt with once per event
(https://docs.aws.amazon.com/powertools/python/latest/utilities/idempotency/#batch-integration).
"""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parser.models import SqsRecordModel
from aws_lambda_powertools.utilities.parser.types import Json
from aws_lambda_powertools.utilities.typing import LambdaContext

from trunkline_bench.peers.shop.models import PaymentCapturedEvent
from trunkline_bench.peers.shop.store import dynamodb


class PaymentRecord(SqsRecordModel):
    """A message with its CloudEvent."""

    body: Json[PaymentCapturedEvent]


logger = Logger(service="orders")
tracer = Tracer(service="orders")
metrics = Metrics(namespace="shop", service="orders")
processor = BatchProcessor(event_type=EventType.SQS, model=PaymentRecord)
persistence = DynamoDBPersistenceLayer(
    table_name=os.environ["SHOP_IDEMPOTENCY_TABLE"], boto3_client=dynamodb
)
config = IdempotencyConfig(event_key_jmespath="id", expires_after_seconds=15 * 24 * 3600)


@tracer.capture_method
def record_handler(record: PaymentRecord) -> None:
    """One message."""
    confirm(event=record.body)


@idempotent_function(data_keyword_argument="event", config=config, persistence_store=persistence)
def confirm(event: PaymentCapturedEvent) -> None:
    """The payment arrived."""
    logger.info("payment captured", order_id=event.data.order_id)
    metrics.add_metric(name="PaymentsCaptured", unit=MetricUnit.Count, value=1)


@metrics.log_metrics
@logger.inject_lambda_context
@tracer.capture_lambda_handler
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Lambda's entry."""
    config.register_lambda_context(context)
    return process_partial_response(
        event=event, record_handler=record_handler, processor=processor, context=context
    )
