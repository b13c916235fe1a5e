"""The outbox's relay: nothing is deleted before it is published, and one fact has one id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from trunkline.aws import clients
from trunkline.aws.items import to_item
from trunkline.errors import InvalidMessage
from trunkline.events.aws import MAX_BATCH, SnsTopic, SqsQueue
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.outbox import OutboxItem, OutboxKey
from trunkline.events.relay import RelayProgram
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import stream_record


class Crash(BaseException):
    """The process dies."""


class Place:
    """An outbox and its two ways out, each of which may fail."""

    def __init__(self) -> None:
        self.items: dict[OutboxKey, OutboxItem] = {}
        self.sent: list[OutboxKey] = []
        self.refused: set[OutboxKey] = set()
        self.broken = False
        self.dies_after_sending = False
        self.undeletable: set[OutboxKey] = set()

    def waiting(self, keys: Sequence[OutboxKey]) -> frozenset[OutboxKey]:
        """Those in the table."""
        return frozenset(keys) & frozenset(self.items)

    def delete(self, key: OutboxKey) -> None:
        """Delete only what has been sent."""
        assert key in self.sent
        if key in self.undeletable:
            raise ConnectionError("no answer")
        del self.items[key]

    def of(self, item: OutboxItem) -> Place:
        """One channel for everything."""
        return self

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Send what is not refused."""
        if self.broken:
            raise ConnectionError("no answer")
        failed = {item.key: "refused" for item in items if item.key in self.refused}
        self.sent.extend(item.key for item in items if item.key not in failed)
        if self.dies_after_sending:
            raise Crash
        return failed


def key(number: int) -> OutboxKey:
    """Its key; two items each are versions of one fact."""
    return OutboxKey(str(number - number % 2), f"v{number % 2}")


def item(number: int, data: object = None) -> OutboxItem:
    """An event in the outbox."""
    envelope = CloudEvent(key(number).lane, "/services/x", "x.y.v1", None, "t", data)
    return OutboxItem(key(number), "event", "x", envelope)


class RelayMachine(RuleBasedStateMachine):
    """A stream is read by a relay whose sends fail in part, wholly, or end in a crash."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Place()
        self.relay = RelayProgram("x", self.place, self.place)
        self.stream: list[int] = []
        self.next = 0

    @rule(count=st.integers(1, 4))
    def store(self, count: int) -> None:
        """Items enter the table and, with it, the stream."""
        for _ in range(count):
            self.place.items[key(self.next)] = item(self.next)
            self.stream.append(self.next)
            self.next += 1

    @rule(
        size=st.integers(1, 6),
        refused=st.sets(st.integers(0, 10).map(key)),
        undeletable=st.sets(st.integers(0, 10).map(key)),
        broken=st.booleans(),
        dies=st.booleans(),
    )
    def read(
        self,
        size: int,
        refused: set[OutboxKey],
        undeletable: set[OutboxKey],
        broken: bool,
        dies: bool,
    ) -> None:
        """Lambda reads a batch and goes on after the last record before the first failed one."""
        place = self.place
        place.refused, place.undeletable = refused, undeletable
        place.broken, place.dies_after_sending = broken, dies
        batch = self.stream[:size]
        try:
            answer = self.run(batch)
        except Crash:
            return
        finally:
            place.refused, place.undeletable = set(), set()
            place.broken = place.dies_after_sending = False
        failed = [int(entry["itemIdentifier"]) for entry in answer["batchItemFailures"]]
        done = batch.index(min(failed)) if failed else len(batch)
        self.stream = self.stream[done:]

    def run(self, numbers: Sequence[int]) -> dict[str, list[dict[str, str]]]:
        """Give the relay stream records; the sequence number is the item's number."""
        records = [stream_record(to_item(item(number).values()), number) for number in numbers]
        return self.relay.handle({"Records": records}, far_away())

    def teardown(self) -> None:
        """Once nothing fails any more, all is published, and nothing is left or published anew."""
        assert self.run(self.stream) == {"batchItemFailures": []}
        assert set(self.place.sent) == {key(number) for number in range(self.next)}
        assert self.place.items == {}
        before = list(self.place.sent)
        self.run(range(self.next))
        assert before == self.place.sent


RelayMachine.TestCase.settings = settings(stateful_step_count=20)
TestRelay = RelayMachine.TestCase


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
