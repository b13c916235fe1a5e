"""Lambda's events for batches of an SQS queue, and its answers to them.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.events.channel import Delivery


def deliveries(event: Mapping[str, Any]) -> Sequence[Delivery]:
    """The messages of a batch; those of a FIFO queue have a group."""
    return [_delivery(record) for record in event.get("Records") or ()]


def answer(failed: Sequence[Delivery]) -> dict[str, Any]:
    """A partial batch response: SQS delivers again what it names, and deletes the rest."""
    return {"batchItemFailures": [{"itemIdentifier": one.message_id} for one in failed]}


def _delivery(record: Mapping[str, Any]) -> Delivery:
    attributes: Mapping[str, Any] = record.get("attributes") or {}
    count = str(attributes.get("ApproximateReceiveCount", "1"))
    return Delivery(
        message_id=str(record.get("messageId", "")),
        body=str(record.get("body") or ""),
        receives=int(count) if count.isdigit() else 1,
        attributes=record.get("messageAttributes") or {},
        receipt_handle=str(record.get("receiptHandle", "")),
        group=attributes.get("MessageGroupId") if _is_fifo(record) else None,
    )


def _is_fifo(record: Mapping[str, Any]) -> bool:
    """Standard queues may have groups, too, but for fairness between tenants, not for order."""
    return str(record.get("eventSourceARN", "")).endswith(".fifo")
