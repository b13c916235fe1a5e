"""Outbox, topic, queues and dead-letter queue in AWS."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trunkline import clock, environment
from trunkline.aws.clients import client
from trunkline.aws.items import from_item, to_item
from trunkline.errors import PublishFailed
from trunkline.events import outbox, sqs
from trunkline.events.channel import Channel, Delivery
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.outbox import OutboxItem, OutboxKey
from trunkline.manifest import variables

MAX_BATCH = 10
"""Entries of one batch request, by SNS's and SQS's limit."""
MAX_BATCH_BYTES = 250_000
"""Stays below the 256 KiB that one batch may hold in all, attributes included."""
MAX_ATTRIBUTES = 10
"""Message attributes of one SQS message, by SQS's limit."""
MAX_REASON = 500


class DynamoOutbox:
    """The outbox table."""

    def waiting(self, keys: Sequence[OutboxKey]) -> frozenset[OutboxKey]:
        """Those that are still in the table."""
        physical = environment.required(variables.table(outbox.TABLE))
        found: set[OutboxKey] = set()
        for start in range(0, len(keys), 100):
            request: Mapping[str, Any] = {
                physical: {
                    "Keys": [_key(key) for key in keys[start : start + 100]],
                    "ConsistentRead": True,
                    "ProjectionExpression": "#l, #p",
                    "ExpressionAttributeNames": {"#l": outbox.LANE, "#p": outbox.PLACE},
                }
            }
            while request:
                answer = client("dynamodb").batch_get_item(RequestItems=request)
                for item in map(from_item, answer.get("Responses", {}).get(physical, ())):
                    found.add(OutboxKey(item[outbox.LANE], item[outbox.PLACE]))
                request = answer.get("UnprocessedKeys") or {}
        return frozenset(found)

    def delete(self, key: OutboxKey) -> None:
        """Delete an item."""
        client("dynamodb").delete_item(
            TableName=environment.required(variables.table(outbox.TABLE)), Key=_key(key)
        )


class SnsTopic:
    """The service's own topic."""

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Publish items in batches."""
        failed: dict[OutboxKey, str] = {}
        for batch in _batches(items):
            answer = client("sns").publish_batch(
                TopicArn=environment.required(variables.TOPIC),
                PublishBatchRequestEntries=[
                    {
                        "Id": str(number),
                        "Message": item.envelope.dump(),
                        "MessageAttributes": _type_attribute(item.envelope),
                    }
                    for number, item in enumerate(batch)
                ],
            )
            failed |= _failures(batch, answer)
        return failed


class SqsQueue:
    """Another service's task queue."""

    def __init__(self, service: str) -> None:
        self._service = service

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Send items in batches."""
        failed: dict[OutboxKey, str] = {}
        for batch in _batches(items):
            answer = client("sqs").send_message_batch(
                QueueUrl=environment.required(variables.task_queue(self._service)),
                Entries=[
                    {
                        "Id": str(number),
                        "MessageBody": item.envelope.dump(),
                        "MessageAttributes": _type_attribute(item.envelope),
                    }
                    for number, item in enumerate(batch)
                ],
            )
            failed |= _failures(batch, answer)
        return failed


class AwsChannels:
    """Events go to the topic, tasks to the queue of the service that they ask."""

    def __init__(self) -> None:
        self._topic = SnsTopic()
        self._queues: dict[str, SqsQueue] = {}

    def of(self, item: OutboxItem) -> Channel:
        """The channel of an item."""
        if item.kind == "event":
            return self._topic
        return self._queues.setdefault(item.target, SqsQueue(item.target))


class SqsSource:
    """The queue that the function consumes."""

    deliveries = staticmethod(sqs.deliveries)
    answer = staticmethod(sqs.answer)

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        """Hide a message for a time, counted from now."""
        client("sqs").change_message_visibility(
            QueueUrl=environment.required(variables.QUEUE),
            ReceiptHandle=delivery.receipt_handle,
            VisibilityTimeout=seconds,
        )


class SqsDeadLetters:
    """The function's dead-letter queue."""

    def put(self, delivery: Delivery, *, reason: str, error_type: str, function: str) -> None:
        """Put a message there, with the reason among its attributes.

        Raises:
            PublishFailed: SQS gave no id for it.
        """
        facts = {
            "reason": _printable(reason)[:MAX_REASON],
            "error_type": error_type,
            "failed_at": clock.moment().isoformat(timespec="milliseconds"),
            "function": function,
        }
        attributes: dict[str, Any] = {
            name: {"DataType": "String", "StringValue": value} for name, value in facts.items()
        }
        for name, value in delivery.attributes.items():
            if len(attributes) < MAX_ATTRIBUTES and name not in attributes:
                attributes[name] = _attribute(value)
        answer = client("sqs").send_message(
            QueueUrl=environment.required(variables.DEAD_LETTER_QUEUE),
            MessageBody=delivery.body or " ",
            MessageAttributes=attributes,
            **_in_group(delivery),
        )
        if not answer.get("MessageId"):
            raise PublishFailed([delivery.message_id])


def _in_group(delivery: Delivery) -> dict[str, str]:
    """A FIFO queue's dead letters stay in their group.

    The deduplication id is new each time: a message that is dead-lettered again within five minutes
    of its redrive would else be taken for a duplicate, and lost.
    """
    if delivery.group is None:
        return {}
    return {"MessageGroupId": delivery.group, "MessageDeduplicationId": uuid.uuid4().hex}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    """A message attribute of a Lambda event in the form that SQS takes."""
    kind = str(value.get("dataType", "String"))
    if kind.startswith("Binary"):
        return {"DataType": kind, "BinaryValue": value.get("binaryValue")}
    return {"DataType": kind, "StringValue": str(value.get("stringValue") or "-")}


def _type_attribute(envelope: CloudEvent) -> dict[str, Any]:
    return {"type": {"DataType": "String", "StringValue": envelope.type}}


def _key(key: OutboxKey) -> dict[str, Any]:
    return to_item({outbox.LANE: key.lane, outbox.PLACE: key.place})


def _batches(items: Sequence[OutboxItem]) -> Iterator[list[OutboxItem]]:
    batch: list[OutboxItem] = []
    size = 0
    for item in items:
        length = len(item.envelope.dump().encode()) + len(item.envelope.type) + 20
        if batch and (len(batch) == MAX_BATCH or size + length > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def _failures(batch: Sequence[OutboxItem], answer: Mapping[str, Any]) -> dict[OutboxKey, str]:
    """What a batch answer does not confirm has failed, whether it says so or not."""
    confirmed = {entry["Id"] for entry in answer.get("Successful", ())}
    why = {entry["Id"]: str(entry.get("Code")) for entry in answer.get("Failed", ())}
    return {
        item.key: why.get(str(number), "no confirmation")
        for number, item in enumerate(batch)
        if str(number) not in confirmed
    }


def _printable(text: str) -> str:
    """SQS refuses most control characters, and an empty string."""
    return "".join(c if c.isprintable() else " " for c in text).strip() or "-"
