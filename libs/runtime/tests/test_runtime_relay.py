"""The outbox's relay: nothing is deleted before it is published, and one fact has one id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from trunkline.aws import clients
from trunkline.errors import InvalidMessage
from trunkline.events.aws import MAX_BATCH, SnsTopic, SqsQueue
from trunkline.events.channel import THROTTLED
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.outbox import OutboxItem, OutboxKey
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import stream_record


def key(number: int) -> OutboxKey:
    """Its key; two items each are versions of one fact."""
    return OutboxKey(str(number - number % 2), f"v{number % 2}")


def item(number: int, data: object = None) -> OutboxItem:
    """An event in the outbox."""
    envelope = CloudEvent(key(number).lane, "/services/x", "x.y.v1", None, "t", data)
    return OutboxItem(key(number), "event", "x", envelope)


def place_order(shop: ServiceHarness, key: str = "1") -> None:
    """Have the sample service emit an event and a task."""
    headers = {"Idempotency-Key": key}
    assert shop.call("POST", "/orders", {"sku": "a", "quantity": 1}, headers=headers).status == 201


def test_events_reach_the_topic_and_tasks_their_queue(shop: ServiceHarness) -> None:
    """An event is published with its type as attribute, a task goes to the service it asks."""
    sqs, sns = clients.client("sqs"), clients.client("sns")
    listener = sqs.create_queue(QueueName="listener")["QueueUrl"]
    sns.subscribe(
        TopicArn=sns.list_topics()["Topics"][0]["TopicArn"],
        Protocol="sqs",
        Endpoint=sqs.get_queue_attributes(QueueUrl=listener, AttributeNames=["QueueArn"])[
            "Attributes"
        ]["QueueArn"],
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": '{"type":["shop.order_placed.v1"]}',
        },
    )
    place_order(shop)
    assert shop.relay()
    assert shop.emitted() == []
    (event,) = sqs.receive_message(QueueUrl=listener)["Messages"]
    queue = sqs.get_queue_url(QueueName="trunkline-test-depot-tasks")["QueueUrl"]
    (task,) = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    placed, pack = CloudEvent.parse(event["Body"]), CloudEvent.parse(task["Body"])
    assert (placed.type, placed.subject) == ("shop.order_placed.v1", "order-1")
    assert placed.data == {"order_id": "order-1", "total": {"amount": 100, "currency": "EUR"}}
    assert placed.traceparent is not None
    assert (pack.type, pack.source) == ("depot.pack.v1", "/services/shop")
    assert task["MessageAttributes"]["type"]["StringValue"] == "depot.pack.v1"


def test_unpublishable_items_stay_in_the_outbox(shop: ServiceHarness) -> None:
    """When the topic is gone, the event stays and is reported; the task goes all the same."""
    place_order(shop)
    sns = clients.client("sns")
    sns.delete_topic(TopicArn=sns.list_topics()["Topics"][0]["TopicArn"])
    assert not shop.relay()
    assert [type(message).__name__ for message in shop.emitted()] == ["OrderPlaced"]


def test_records_that_are_no_inserts_are_passed_over(shop: ServiceHarness) -> None:
    """Deletions show up in the stream when its filter is missing; they mean nothing."""
    record = stream_record({}, 1) | {"eventName": "REMOVE"}
    answer = shop.program.relay.handle({"Records": [record]}, far_away())
    assert answer == {"batchItemFailures": []}


def test_more_than_one_batch_is_published(shop: ServiceHarness) -> None:
    """Beyond SNS's limit of ten entries, and beyond its limit in bytes, several batches go out."""
    big = [item(number, "z" * 60_000) for number in range(7)]
    small = [item(number) for number in range(MAX_BATCH + 1)]
    topic, queue = SnsTopic(), SqsQueue("depot")
    assert dict(topic.send(big)) == {}
    assert dict(topic.send(small)) == {}
    assert dict(queue.send(small)) == {}
    sqs = clients.client("sqs")
    url = sqs.get_queue_url(QueueName="trunkline-test-depot-tasks")["QueueUrl"]
    attributes = sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == str(MAX_BATCH + 1)


def test_a_retried_request_emits_under_the_same_ids(shop: ServiceHarness) -> None:
    """Work that is done again after a crash states the same facts, not new ones."""
    place_order(shop)
    dynamodb = clients.client("dynamodb")
    outbox, idempotency = "trunkline-test-shop-outbox", "trunkline-test-shop-idempotency"
    first = {entry["lane"]["S"] for entry in dynamodb.scan(TableName=outbox)["Items"]}
    (record,) = dynamodb.scan(TableName=idempotency)["Items"]
    dynamodb.delete_item(TableName=idempotency, Key={"id": record["id"]})
    dynamodb.delete_item(TableName="trunkline-test-shop-orders", Key={"order_id": {"S": "order-1"}})
    dynamodb.delete_item(
        TableName="trunkline-test-shop-lines",
        Key={"sku": {"S": "a"}, "order_id": {"S": "order-1"}},
    )
    place_order(shop)
    second = {entry["lane"]["S"] for entry in dynamodb.scan(TableName=outbox)["Items"]}
    assert first == second
    assert len(first) == 2


def test_unreadable_item_does_not_hold_up_the_rest(shop: ServiceHarness) -> None:
    """An item that is none stays in the table, and those after it are published."""
    place_order(shop)
    outbox = "trunkline-test-shop-outbox"
    odd = {
        "lane": {"S": "odd"},
        "place": {"S": "odd"},
        "stored_at": {"S": "0"},
        "position": {"N": "0"},
    }
    clients.client("dynamodb").put_item(TableName=outbox, Item=odd)
    assert shop.relay()
    left = clients.client("dynamodb").scan(TableName=outbox)["Items"]
    assert [entry["lane"]["S"] for entry in left] == ["odd"]


@pytest.mark.parametrize("values", [{}, {"kind": "event"}, {"kind": "event", "target": "x"}])
def test_what_is_no_outbox_item_is_refused(values: dict[str, str]) -> None:
    """An item that something else wrote into the outbox is named as such."""
    with pytest.raises(InvalidMessage):
        OutboxItem.read({"lane": "1", "place": "v1", **values})


SCHEDULED = {
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-10-08T16:53:06Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:events:eu-central-1:123456789012:rule/sweep"],
    "detail": {},
}
"""https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html"""


@contextmanager
def answering(
    service: str, operation: str, status: int, body: dict[str, Any]
) -> Iterator[list[Any]]:
    """Let AWS answer an operation in its own words; the requests that came."""
    events = clients.client(service).meta.events
    asked: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        asked.append(request)
        response = AWSResponse(request.url, status, {}, None)
        response._content = json.dumps(body).encode()
        return response

    name = f"before-send.{service}.{operation}"
    events.register_first(name, answer, unique_id="answering")
    try:
        yield asked
    finally:
        events.unregister(name, unique_id="answering")


def test_a_sweep_publishes_what_the_stream_did_not_bring(shop: ServiceHarness) -> None:
    """On its schedule the relay publishes what has waited for long, and says how much it was."""
    place_order(shop)
    shop.advance(25 * 3600)
    answer = shop.program.relay.handle(SCHEDULED, far_away())
    assert answer == {"found": 2, "published": 2, "left": 0}
    assert shop.emitted() == []


def test_a_sweep_leaves_new_items_to_the_stream(shop: ServiceHarness) -> None:
    """What was stored just now is not left behind; publishing it would only tell it twice."""
    place_order(shop)
    answer = shop.program.relay.handle(SCHEDULED, far_away())
    assert answer == {"found": 0, "published": 0, "left": 0}
    assert len(shop.emitted()) == 2


def test_a_sweep_ends_before_its_time_does(shop: ServiceHarness) -> None:
    """With no time left it publishes nothing, and says that something is left."""
    place_order(shop)
    shop.advance(1 * 3600)
    answer = shop.program.relay.handle(SCHEDULED, far_away(2))
    assert answer == {"found": 2, "published": 0, "left": 2}


def test_a_throttled_channel_is_left_alone(shop: ServiceHarness) -> None:
    """When SQS says to slow down, no further batch goes there; all that is left is reported."""
    items = [item(number) for number in range(25)]
    throttled = {"__type": "RequestThrottled", "message": "slow down"}
    with answering("sqs", "SendMessageBatch", 403, throttled) as asked:
        failed = SqsQueue("depot").send(items)
    assert failed == {key(number): THROTTLED for number in range(25)}
    assert len({request.body for request in asked}) == 1


def test_one_refused_batch_does_not_stop_the_others(shop: ServiceHarness) -> None:
    """What SQS refuses for itself is reported with the reason; the other batches go out."""
    items = [item(number) for number in range(25)]
    refused = {"__type": "InvalidMessageContents", "message": "no"}
    with answering("sqs", "SendMessageBatch", 400, refused) as asked:
        failed = SqsQueue("depot").send(items)
    assert len(failed) == 25
    assert all("InvalidMessageContents" in why for why in failed.values())
    assert len(asked) == 3
