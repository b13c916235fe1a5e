"""Outbox, topic, queues and dead-letter queue in AWS."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected

from trunkline import clock, environment
from trunkline.attempt import Attempt, reason
from trunkline.aws.clients import client
from trunkline.aws.items import from_item, to_item
from trunkline.errors import InvalidMessage, PayloadMissing, PublishFailed
from trunkline.events import outbox, sqs
from trunkline.events.channel import STOPPED, THROTTLED, UNREACHABLE, Channel, Delivery
from trunkline.events.cloudevents import CloudEvent, rfc3339
from trunkline.events.outbox import OutboxItem, OutboxKey
from trunkline.idempotency.keys import digest
from trunkline.manifest import variables

MAX_BATCH = 10
"""Entries of one batch request, by SNS's and SQS's limit."""
MAX_BATCH_BYTES = 250_000
"""Stays below the 256 KiB that one batch may hold in all, attributes included."""
MAX_ATTRIBUTES = 10
"""Message attributes of one SQS message, by SQS's limit."""
MAX_REASON = 500
GROUP = re.compile(r"[!-~]{1,128}")
"""What a message group may be called: ASCII without blanks."""
THROTTLING = frozenset(
    {
        "KMSThrottling",
        "KMSThrottlingException",
        "KmsThrottled",
        "OverLimit",
        "RequestThrottled",
        "ServiceUnavailable",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Error codes by which SNS, SQS and, behind them, KMS ask to slow down, of a request or an entry.

https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html#API_PublishBatch_Errors
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html#API_SendMessageBatch_Errors
"""


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

    def lane(self, lane: str, last: str) -> Sequence[OutboxItem]:
        """The readable items of a lane from the first up to a place, in order."""
        request: dict[str, Any] = {
            "TableName": environment.required(variables.table(outbox.TABLE)),
            "ConsistentRead": True,
            "KeyConditionExpression": "#l = :l AND #p <= :p",
            "ExpressionAttributeNames": {"#l": outbox.LANE, "#p": outbox.PLACE},
            "ExpressionAttributeValues": to_item({":l": lane, ":p": last}),
        }
        found: list[OutboxItem | None] = []
        while True:
            page = client("dynamodb").query(**request)
            found += map(outbox.readable, page["Items"])
            if "LastEvaluatedKey" not in page:
                return [item for item in found if item is not None]
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def stored_before(self, moment: datetime) -> Iterator[Sequence[OutboxItem]]:
        """The readable items that were stored before a moment; a page is 1 MB of the table."""
        request: dict[str, Any] = {
            "TableName": environment.required(variables.table(outbox.TABLE)),
            "ConsistentRead": True,
            "FilterExpression": "#s < :s",
            "ExpressionAttributeNames": {"#s": outbox.STORED_AT},
            "ExpressionAttributeValues": to_item({":s": rfc3339(moment)}),
        }
        while True:
            page = client("dynamodb").scan(**request)
            found = (outbox.readable(item) for item in page["Items"])
            yield [item for item in found if item is not None]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def delete(self, key: OutboxKey) -> None:
        """Delete an item."""
        client("dynamodb").delete_item(
            TableName=environment.required(variables.table(outbox.TABLE)), Key=_key(key)
        )


class SnsTopic:
    """A topic of the service itself.

    Args:
        variable: holds its ARN.
    """

    def __init__(self, variable: str = variables.TOPIC) -> None:
        self._variable = variable

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Publish items in batches."""
        return _send(items, self._publish)

    def _publish(self, batch: Sequence[OutboxItem]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = client("sns").publish_batch(
            TopicArn=environment.required(self._variable),
            PublishBatchRequestEntries=[
                {
                    "Id": str(number),
                    "Message": item.envelope.dump(),
                    "MessageAttributes": _type_attribute(item.envelope),
                    **(_in_line(item) if item.ordered else {}),
                }
                for number, item in enumerate(batch)
            ],
        )
        return answer


class SqsQueue:
    """Another service's task queue."""

    def __init__(self, service: str) -> None:
        self._service = service

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Send items in batches."""
        return _send(items, self._put)

    def _put(self, batch: Sequence[OutboxItem]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = client("sqs").send_message_batch(
            QueueUrl=environment.required(variables.task_queue(self._service)),
            Entries=[
                {
                    "Id": str(number),
                    "MessageBody": item.envelope.dump(),
                    "MessageAttributes": _type_attribute(item.envelope),
                    "DelaySeconds": item.remaining_delay(clock.moment()),
                }
                for number, item in enumerate(batch)
            ],
        )
        return answer


class S3Payloads:
    """The environment's bucket for the data of large messages."""

    @property
    def root(self) -> str:
        """What every reference begins with."""
        return f"s3://{environment.required(variables.PAYLOADS)}/"

    def put(self, key: str, body: bytes) -> None:
        """Keep data; the bucket encrypts it and lets it expire."""
        client("s3").put_object(
            Bucket=environment.required(variables.PAYLOADS),
            Key=key,
            Body=body,
            ContentType="application/json",
        )

    def get(self, key: str, *, limit: int) -> bytes:
        """The data.

        Raises:
            InvalidMessage: it is longer than ``limit`` bytes.
            PayloadMissing: it is not there, which S3 tells nobody who may not list the bucket.
        """
        bucket = environment.required(variables.PAYLOADS)
        try:
            found = client("s3").get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            raise PayloadMissing(f"s3://{bucket}/{key}", error.response["Error"]["Code"]) from error
        if found["ContentLength"] > limit:
            raise InvalidMessage(f"s3://{bucket}/{key} has more than {limit:,} bytes")
        return bytes(found["Body"].read())


class AwsChannels:
    """Events go to one of the service's topics, tasks to the queue of the service they ask."""

    def __init__(self) -> None:
        self._topic = SnsTopic()
        self._ordered_topic = SnsTopic(variables.ORDERED_TOPIC)
        self._queues: dict[str, SqsQueue] = {}

    def of(self, item: OutboxItem) -> Channel:
        """The channel of an item."""
        if item.kind == "event":
            return self._ordered_topic if item.ordered else self._topic
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


def _in_line(item: OutboxItem) -> dict[str, str]:
    """An ordered event's group is its record; its versions are no duplicates of each other.

    https://docs.aws.amazon.com/sns/latest/api/API_PublishBatchRequestEntry.html
    """
    group, version = item.key.lane, item.envelope.type.rpartition(".")[2]
    return {
        "MessageGroupId": group if GROUP.fullmatch(group) else digest(group),
        "MessageDeduplicationId": f"{item.envelope.id}.{version}",
    }


def _key(key: OutboxKey) -> dict[str, Any]:
    return to_item({outbox.LANE: key.lane, outbox.PLACE: key.place})


def _send(
    items: Sequence[OutboxItem], put: Callable[[Sequence[OutboxItem]], Mapping[str, Any]]
) -> dict[OutboxKey, str]:
    """Send batch after batch; none after one that was throttled or met nobody."""
    failed: dict[OutboxKey, str] = {}
    stopped: str | None = None
    for batch in _batches(items):
        if stopped is None:
            with Attempt() as attempt:
                reasons = _failures(batch, put(batch))
            if attempt.error is not None:
                reasons = dict.fromkeys((item.key for item in batch), _why(attempt.error))
            stopped = next((why for why in reasons.values() if why in STOPPED), None)
        else:
            reasons = dict.fromkeys((item.key for item in batch), stopped)
        failed |= reasons
    return failed


def _why(error: Exception) -> str:
    """Why a whole batch failed; the client itself has tried it three times by now."""
    if isinstance(error, NotConnected | HTTPClientError):
        return UNREACHABLE
    if isinstance(error, ClientError) and error.response["Error"]["Code"] in THROTTLING:
        return THROTTLED
    return reason(error)


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
        item.key: _code(why.get(str(number), "no confirmation"))
        for number, item in enumerate(batch)
        if str(number) not in confirmed
    }


def _code(code: str) -> str:
    return THROTTLED if code in THROTTLING else code


def _printable(text: str) -> str:
    """SQS refuses most control characters, and an empty string."""
    return "".join(c if c.isprintable() else " " for c in text).strip() or "-"
