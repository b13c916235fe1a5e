"""Ordered events: declared, stored, published and processed in the order of their facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trunkline import Event, Model, Service, Task, one_fact, upcast
from trunkline.aws import clients
from trunkline.errors import DeclarationError, OrderMismatch, Rejected
from trunkline.events import sqs
from trunkline.events.channel import Delivery
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.consumer import ConsumerProgram
from trunkline.manifest import Function, Manifest, PublishNeed, Subscription, check
from trunkline.testing import MemorySequences, MemoryStore, ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import queue_record

VISIBILITY = 60.0
LOCK = 30.0


class Step(Event, version=1, subject="walk", service="guide", ordered=True):
    """One step of a walk."""

    walk: str
    number: int


class StepV2(Event, version=2, subject="walk", service="guide", ordered=True):
    """One step of a walk, told with its foot."""

    walk: str
    number: int
    foot: str


class Told(Event, version=1, subject="walk", service="guide"):
    """Something about a walk that has no order."""

    walk: str


class Crash(BaseException):
    """The process dies: nothing after this point happens."""


@dataclass
class Message:
    """One message in a FIFO queue."""

    group: str
    number: int
    handle: str = ""
    visible_at: float = 0.0
    receives: int = 0

    @property
    def body(self) -> str:
        """The event that it carries; the same one has the same id."""
        return CloudEvent(
            f"{self.group}-{self.number}",
            "/services/guide",
            "guide.step.v1",
            self.group,
            "",
            {"walk": self.group, "number": self.number},
        ).dump()


class FifoQueue:
    """A FIFO queue: while messages of a group are in flight, no others of it are delivered.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
    """

    deliveries = staticmethod(sqs.deliveries)
    answer = staticmethod(sqs.answer)

    def __init__(self) -> None:
        self.now = 1000.0
        self.messages: list[Message] = []
        self.dead: list[Delivery] = []
        self._handles = 0

    def receive(self, size: int) -> list[Message]:
        """Up to so many messages; they are in flight until they are deleted or visible again."""
        busy = {one.group for one in self.messages if one.visible_at > self.now}
        found = [one for one in self.messages if one.group not in busy][:size]
        for message in found:
            self._handles += 1
            message.handle, message.visible_at = str(self._handles), self.now + VISIBILITY
            message.receives += 1
        return found

    def delete(self, handle: str) -> None:
        """Forget a message."""
        self.messages = [one for one in self.messages if one.handle != handle]

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        """Have a message visible again after a time."""
        for message in self.messages:
            if message.handle == delivery.receipt_handle:
                message.visible_at = self.now + seconds

    def put(self, delivery: Delivery, *, reason: str, error_type: str, function: str) -> None:
        """Keep a dead letter."""
        self.dead.append(delivery)


class DyingStore(MemoryStore):
    """A store whose process may die just before or just after a record is completed."""

    happen: Callable[[str], None]

    def complete(self, *arguments: object, **keywords: object) -> None:
        """Complete, unless the process dies first."""
        self.happen("before the record")
        super().complete(*arguments, **keywords)  # type: ignore[arg-type]
        self.happen("after the record")


TROUBLE = st.lists(
    st.sampled_from([None, None, None, "die", "fail", "refuse", "another consumer"]), max_size=8
)


class WalkMachine(RuleBasedStateMachine):
    """Consumers take batches of a FIFO queue, fail, die, and run beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = FifoQueue()
        self.steps: dict[str, list[int]] = {}
        self.refused: set[tuple[str, int]] = set()
        self.told: dict[str, int] = {}
        self.plan: list[str | None] = []
        self.depth = 0
        service = Service("watcher")
        service.reacts_to(Step, max_receives=10**6)(self.on_step)
        store = DyingStore(lambda: self.queue.now)
        store.happen = self.happen
        self.consumer = ConsumerProgram(
            "watcher",
            service.event_handlers.values(),
            store,
            self.queue,
            self.queue,
            MemorySequences(lambda: self.queue.now),
        )

    def on_step(self, event: Step) -> None:
        """Take the step, if nothing happens before."""
        self.happen("before the effect", event)
        self.steps.setdefault(event.walk, []).append(event.number)
        self.happen("after the effect", event)

    def happen(self, where: str, event: Step | None = None) -> None:
        """What the plan has for this point of the process."""
        what = self.plan.pop(0) if self.plan else None
        if what == "die":
            raise Crash(where)
        if what == "another consumer" and self.depth < 2:
            rest, self.plan = self.plan, []
            self.consume(3)
            self.plan = rest
        if what == "fail" and event is not None:
            raise RuntimeError(where)
        if what == "refuse" and event is not None and where == "before the effect":
            self.refused.add((event.walk, event.number))
            raise Rejected(where)

    def consume(self, size: int) -> None:
        """One invocation with one batch, as Lambda does it."""
        batch = self.queue.receive(size)
        records = [
            queue_record(
                one.body, receives=one.receives, receipt_handle=one.handle, group=one.group
            )
            for one in batch
        ]
        handles = {record["messageId"]: record["receiptHandle"] for record in records}
        self.depth += 1
        try:
            answer = self.consumer.handle({"Records": records}, far_away(LOCK))
        finally:
            self.depth -= 1
        for failure in answer["batchItemFailures"]:
            del handles[failure["itemIdentifier"]]
        for handle in handles.values():
            self.queue.delete(handle)

    @rule(walk=st.sampled_from("ab"), count=st.integers(1, 4))
    def tell(self, walk: str, count: int) -> None:
        """Steps are published in order."""
        for _ in range(count):
            self.told[walk] = self.told.get(walk, 0) + 1
            self.queue.messages.append(Message(walk, self.told[walk]))

    @rule(walk=st.sampled_from("ab"), back=st.integers(0, 3))
    def tell_again(self, walk: str, back: int) -> None:
        """A relay that had died publishes anew, long after, what is not surely published."""
        last = self.told.get(walk, 0)
        again = range(max(1, last - back), last + 1)
        self.queue.messages += [Message(walk, number) for number in again]

    @rule(size=st.integers(1, 10), plan=TROUBLE)
    def work(self, size: int, plan: list[str | None]) -> None:
        """Lambda takes a batch; perhaps its process dies."""
        self.plan = list(plan)
        try:
            self.consume(size)
        except Crash:
            pass
        finally:
            self.plan = []

    @rule(seconds=st.sampled_from([1.0, 5.0, 31.0, 61.0]))
    def wait(self, seconds: float) -> None:
        """Time passes: messages in flight come back."""
        self.queue.now += seconds

    @invariant()
    def in_order(self) -> None:
        """No step is taken after a later one; only one whose process died is taken again.

        A dead letter has left the line: if it comes back, it comes late.
        """
        for walk, steps in self.steps.items():
            in_line = [number for number in steps if (walk, number) not in self.refused]
            assert in_line == sorted(in_line)

    def teardown(self) -> None:
        """Once all is quiet, every step was taken, but for those that were refused."""
        rounds = 0
        while self.queue.messages:
            self.consume(10)
            self.queue.now += VISIBILITY + 1
            rounds += 1
            assert rounds < 500
        for walk, last in self.told.items():
            taken = set(self.steps.get(walk, ()))
            assert taken | {n for w, n in self.refused if w == walk} == set(range(1, last + 1))


WalkMachine.TestCase.settings = settings(stateful_step_count=25, deadline=None)
TestWalk = WalkMachine.TestCase


class Walk(Model):
    """A record of the publisher."""

    walk: str
    number: int = 0


class Stop(Model):
    """A record with a sort key."""

    walk: str
    stop: str


class Go(Task, version=1, service="guide"):
    """What the publisher does."""


guide = Service("guide", entry=f"{__name__}:guide")
walks = guide.table("walks", Walk, key="walk")
stops = guide.table("stops", Stop, key="walk", sort="stop")


@guide.performs(Go, uses=[walks.write, stops.write, Step, StepV2, Told])
def go(task: Go) -> None:
    """Never called: the tests write the table themselves."""


watcher = Service("watcher", entry=f"{__name__}:watcher")
seen: list[int] = []


@watcher.reacts_to(Step)
def on_step(event: Step) -> None:
    """Remember the step."""
    if event.number < 0:
        raise Rejected("backwards")
    seen.append(event.number)


@pytest.fixture
def publisher() -> Iterator[ServiceHarness]:
    """The publisher, running."""
    with ServiceHarness(guide) as harness:
        yield harness


def listen() -> str:
    """A FIFO queue at the publisher's FIFO topic; its URL."""
    sns, queues = clients.client("sns"), clients.client("sqs")
    url = str(
        queues.create_queue(QueueName="listener.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    )
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    (topic,) = [t["TopicArn"] for t in sns.list_topics()["Topics"] if "fifo" in t["TopicArn"]]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    return url


def heard(url: str) -> list[tuple[str, str, int]]:
    """What came, as group, type and number."""
    found = []
    while (
        messages := clients.client("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
        .get("Messages")
    ):
        for message in messages:
            envelope = CloudEvent.parse(message["Body"])
            group = message["Attributes"]["MessageGroupId"]
            found.append((group, envelope.type, envelope.data["number"]))
            clients.client("sqs").delete_message(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]
            )
    return found


def test_ordered_events_leave_by_the_fifo_topic(publisher: ServiceHarness) -> None:
    """In the order of their facts, grouped by record, in all their versions; others beside them."""
    url = listen()
    walk = walks.put(Walk(walk="w"), emit=[Step(walk="w", number=1), Told(walk="w")])
    both = one_fact(Step(walk="w", number=2), StepV2(walk="w", number=2, foot="left"))
    walk = walks.put(walk, emit=[both, Step(walk="w", number=3)])
    walks.put(Walk(walk="höchst odd"), emit=[Step(walk="höchst odd", number=7)])
    assert publisher.relay()
    assert publisher.emitted() == []
    found = heard(url)
    assert [entry for entry in found if entry[0] == "walks/w"] == [
        ("walks/w", "guide.step.v1", 1),
        ("walks/w", "guide.step.v1", 2),
        ("walks/w", "guide.step.v2", 2),
        ("walks/w", "guide.step.v1", 3),
    ]
    ((odd, _, _),) = [entry for entry in found if entry[0] != "walks/w"]
    assert odd.isascii()
    assert " " not in odd


def test_a_later_item_of_the_stream_publishes_what_comes_before_it(
    publisher: ServiceHarness,
) -> None:
    """Whatever a relay is told first: the lane's first item goes first."""
    url = listen()
    walk = Walk(walk="w")
    for number in (1, 2, 3):
        walk = walks.put(walk, emit=[Step(walk="w", number=number)])
    from trunkline.testing.events import stream_record

    third = publisher._outbox()[-1]
    answer = publisher.program.relay.handle({"Records": [stream_record(third, 3)]}, far_away())
    assert answer == {"batchItemFailures": []}
    assert [number for _, _, number in heard(url)] == [1, 2, 3]
    assert publisher.emitted() == []


@pytest.mark.parametrize(
    ("record", "emit"),
    [
        (Walk(walk="w"), [Step(walk="other", number=1)]),
        (Stop(walk="w", stop="1"), [Step(walk="w", number=1)]),
    ],
)
def test_an_ordered_event_needs_the_record_that_it_is_about(
    publisher: ServiceHarness, record: Model, emit: list[Step]
) -> None:
    """Two records have no common order, so the event's subject must be the record's key."""
    table = walks if isinstance(record, Walk) else stops
    with pytest.raises(DeclarationError, match=r"guide\.step\.v1 is ordered by walk"):
        table.put(record, emit=emit)  # type: ignore[arg-type]
    assert publisher.emitted() == []


def test_dead_letters_of_an_ordered_event_keep_their_reason() -> None:
    """The dead-letter queue of a FIFO queue is a FIFO queue, too."""
    with ServiceHarness(watcher) as harness:
        assert harness.deliver(Step(walk="w", number=-1))
        assert harness.deliver(Step(walk="w", number=1))
        (letter,) = harness.dead_letters("on-step")
    assert letter.reason == "Rejected: backwards"
    assert seen == [1]


def test_the_manifest_says_what_is_ordered() -> None:
    """Topics, queues and rights follow from it."""
    publisher, subscriber = guide.manifest(), watcher.manifest()
    assert publisher.ordered == ("guide.step.v1", "guide.step.v2")
    assert publisher.publishes == ("guide.step.v1", "guide.step.v2", "guide.told.v1")
    publishes = [n for n in publisher.function("relay").needs if isinstance(n, PublishNeed)]
    assert publishes == [PublishNeed(ordered=False), PublishNeed(ordered=True)]
    assert subscriber.subscriptions == (
        Subscription(function="on-step", event="guide.step.v1", ordered=True),
    )
    assert subscriber.gets_ordered("on-step")
    check([publisher, subscriber])


def test_publisher_and_subscriber_agree_on_the_order() -> None:
    """A subscriber to the other topic would hear nothing."""
    function = Function(
        name="on-step", trigger="event", handler="x.y", timeout_seconds=1, memory_mb=128
    )
    subscriber = Manifest(
        service="other",
        entry="x:y",
        subscriptions=(Subscription(function="on-step", event="guide.step.v1"),),
        functions=(function,),
    )
    with pytest.raises(OrderMismatch, match=r"'guide\.step\.v1' disagree"):
        check([guide.manifest(), subscriber])


def unordered_version() -> None:
    """Lead from an ordered version to one that is not."""

    class StepV3(Event, version=3, subject="walk", service="guide"):
        walk: str

    upcast(StepV2, to=StepV3)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: type("Lost", (Event,), {}, version=1, service="guide", ordered=True),
        lambda: type("Work", (Task,), {}, version=1, service="guide", ordered=True),
        unordered_version,
    ],
)
def test_what_cannot_be_ordered_is_named(mistake: Callable[[], object]) -> None:
    """Only events with a subject, and only in all versions alike."""
    with pytest.raises(DeclarationError, match="ordered"):
        mistake()


def test_groups_do_not_wait_for_each_other() -> None:
    """The model of the queue is one: a busy group is held back, others are not."""
    queue = FifoQueue()
    queue.messages = [Message("a", 1), Message("a", 2), Message("b", 1)]

    def numbers(found: Sequence[Message]) -> list[tuple[str, int]]:
        return [(one.group, one.number) for one in found]

    assert numbers(queue.receive(1)) == [("a", 1)]
    assert numbers(queue.receive(10)) == [("b", 1)]
    queue.now += VISIBILITY
    assert numbers(queue.receive(10)) == [("a", 1), ("a", 2), ("b", 1)]
