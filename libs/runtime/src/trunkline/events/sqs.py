"""Lambda's events for batches of an SQS queue, and its answers to them.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.errors import InvalidEvent
from trunkline.events.channel import Delivery
from trunkline.lambda_events import mapping, records


def deliveries(event: Mapping[str, Any]) -> Sequence[Delivery]:
    """The messages of a batch; those of a FIFO queue have a group.

    Raises:
        InvalidEvent: it is no batch of an SQS queue.
    """
    return [_delivery(record) for record in records(event)]


def answer(failed: Sequence[Delivery]) -> dict[str, Any]:
    """A partial batch response: SQS delivers again what it names, and deletes the rest."""
    return {"batchItemFailures": [{"itemIdentifier": one.message_id} for one in failed]}


def _delivery(record: Mapping[str, Any]) -> Delivery:
    message_id = record.get("messageId")
    if not isinstance(message_id, str) or not message_id:
        # Nothing in an answer could name it, so SQS would delete it.
        raise InvalidEvent("a messageId in each record", message_id)
    attributes = mapping(record.get("attributes") or {})
    group = attributes.get("MessageGroupId")
    count = str(attributes.get("ApproximateReceiveCount", "1"))
    return Delivery(
        message_id=message_id,
        body=str(record.get("body") or ""),
        receives=int(count) if count.isdigit() else 1,
        attributes=mapping(record.get("messageAttributes") or {}),
        receipt_handle=str(record.get("receiptHandle", "")),
        group=str(group) if group is not None and _is_fifo(record) else None,
    )


def _is_fifo(record: Mapping[str, Any]) -> bool:
    """Standard queues may have groups, too, but for fairness between tenants, not for order."""
    return str(record.get("eventSourceARN", "")).endswith(".fifo")
