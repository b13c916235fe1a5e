"""Sequences: what is told late never takes the place of what is newer."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from moto import mock_aws

from trunkline import Event, Model, Service, Task, clock
from trunkline.aws import clients
from trunkline.errors import LockLost
from trunkline.events import sqs
from trunkline.events.channel import Delivery
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.consumer import ConsumerProgram
from trunkline.idempotency import Running
from trunkline.sequences import Stale, Turn
from trunkline.sequences.aws import DynamoSequences
from trunkline.testing import MemorySequences, MemoryStore, ServiceHarness
from trunkline.testing.aws import MotoTransport
from trunkline.testing.deadline import far_away
from trunkline.testing.events import queue_record

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "eu-central-1",
    "TRUNKLINE_TABLE_IDEMPOTENCY": "records",
}
CLIENTS = clients.Clients(MotoTransport())
"""Made once: making one takes longer than a test."""


class Moved(Event, version=1, subject="parcel", service="depot"):
    """Where a parcel is."""

    parcel: str
    place: int


class Crash(BaseException):
    """The process dies: nothing after this point happens."""


class Clock:
    """A clock that tests turn."""

    now = 1000.0

    def time(self) -> float:
        """Seconds since 1970."""
        return self.now

    monotonic = time


class Queue:
    """The consumer's side of SQS, as far as a test needs it."""

    deliveries = staticmethod(sqs.deliveries)
    answer = staticmethod(sqs.answer)

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        """Tests deliver again when they like."""

    def put(self, delivery: Delivery, *, reason: str, error_type: str, function: str) -> None:
        """Nothing here is hopeless."""
        raise AssertionError(reason)


class DyingSequences(MemorySequences):
    """A process may die just before or just after a sequence is recorded."""

    die: str | None = None

    def finish(self, turn: Turn) -> None:
        """Finish, unless the process dies first."""
        if self.die == "before the record":
            raise Crash
        super().finish(turn)
        if self.die == "after the record":
            raise Crash


DEATHS = ["before the effect", "after the effect", "before the record", "after the record"]


class ProjectionMachine(RuleBasedStateMachine):
    """A projection of where parcels are, from events in any order, by processes that die."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.sequences = DyingSequences(self.clock.time)
        self.places: dict[str, int] = {}
        self.newest: dict[str, int] = {}
        self.queue: list[tuple[str, int]] = []
        self.die: str | None = None
        self.meanwhile: tuple[str, int] | None = None
        self.went_back = False
        service = Service("tracker")
        service.reacts_to(Moved, stale="ignore")(self.on_moved)
        self.consumer = ConsumerProgram(
            "tracker",
            service.event_handlers.values(),
            MemoryStore(self.clock.time),
            Queue(),
            Queue(),
            self.sequences,
        )

    def on_moved(self, event: Moved) -> None:
        """Overwrite the last place, while somebody else is at work on another event."""
        if self.die == "before the effect":
            raise Crash
        other, self.meanwhile = self.meanwhile, None
        if other is not None and self.deliver(*other) and other in self.queue:
            self.queue.remove(other)
        self.went_back |= self.places.get(event.parcel, 0) > event.place
        self.places[event.parcel] = event.place
        if self.die == "after the effect":
            raise Crash

    def deliver(self, parcel: str, number: int) -> bool:
        """One delivery; whether it was acknowledged."""
        envelope = CloudEvent(
            id=f"{parcel}-{number}",
            source="/services/depot",
            type="depot.moved.v1",
            subject=parcel,
            time="",
            data={"parcel": parcel, "place": number},
            partitionkey=f"parcels/{parcel}",
            sequence=f"{number:010}",
        )
        records = [queue_record(envelope.dump())]
        answer = self.consumer.handle({"Records": records}, far_away())
        return answer == {"batchItemFailures": []}

    @rule(parcel=st.sampled_from("ab"))
    def move(self, parcel: str) -> None:
        """A parcel moves on, and that is told."""
        self.newest[parcel] = self.newest.get(parcel, 0) + 1
        self.queue.append((parcel, self.newest[parcel]))

    @rule(index=st.integers(0, 20))
    def duplicate(self, index: int) -> None:
        """The queue delivers at least once."""
        if self.queue:
            self.queue.append(self.queue[index % len(self.queue)])

    @rule(
        index=st.integers(0, 20),
        other=st.integers(0, 20),
        at_once=st.booleans(),
        death=st.sampled_from([None, *DEATHS, "before the acknowledgement"]),
    )
    def process(self, index: int, other: int, at_once: bool, death: str | None) -> None:
        """A process takes any message and lives, or dies somewhere; maybe two at once."""
        if not self.queue:
            return
        told = self.queue[index % len(self.queue)]
        self.meanwhile = self.queue[other % len(self.queue)] if at_once and not death else None
        self.die = self.sequences.die = death
        try:
            acknowledged = self.deliver(*told)
        except Crash:
            acknowledged = False
        finally:
            self.die = self.sequences.die = None
        if acknowledged and death != "before the acknowledgement" and told in self.queue:
            self.queue.remove(told)

    @rule(seconds=st.sampled_from([1.0, 29.0, 31.0]))
    def wait(self, seconds: float) -> None:
        """Time passes; the turns of dead processes end."""
        self.clock.now += seconds

    @invariant()
    def never_back(self) -> None:
        """No effect is overwritten by an older one, not even for a moment."""
        assert not self.went_back

    def teardown(self) -> None:
        """Once nothing dies any more, everything is acknowledged and the newest places stand."""
        rounds = 0
        while self.queue:
            if self.deliver(*self.queue[0]):
                self.queue.pop(0)
            self.clock.now += 31
            rounds += 1
            assert rounds < 1000
        assert self.places == self.newest


ProjectionMachine.TestCase.settings = settings(stateful_step_count=30, deadline=None)
TestProjection = ProjectionMachine.TestCase


class SequencesMachine(RuleBasedStateMachine):
    """Attempts race for turns in both stores at once; a sequence never goes back."""

    def __init__(self) -> None:
        super().__init__()
        self.before = dict(os.environ)
        os.environ.update(ENVIRONMENT)
        self.clients = clients.use(CLIENTS)
        self.aws = mock_aws()
        self.aws.start()
        clients.client("dynamodb").create_table(
            TableName="records",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        self.clock = Clock()
        self.others = clock.use(self.clock)
        self.reference = MemorySequences(self.clock.time)
        self.store = DynamoSequences()
        self.held: list[tuple[Turn, Turn]] = []
        self.last: dict[str, str] = {}

    def teardown(self) -> None:
        """Leave nothing behind."""
        clock.use(self.others)
        self.aws.stop()
        clients.use(self.clients)
        os.environ.clear()
        os.environ.update(self.before)

    @rule(key=st.sampled_from("ab"), number=st.integers(1, 9), seconds=st.integers(1, 10))
    def begin(self, key: str, number: int, seconds: int) -> None:
        """Both stores grant or refuse alike."""
        expected = self.reference.begin(key, str(number), lock_seconds=seconds)
        actual = self.store.begin(key, str(number), lock_seconds=seconds)
        assert type(expected) is type(actual)
        if isinstance(expected, Turn) and isinstance(actual, Turn):
            assert self.last.get(key, "") <= str(number)
            self.last[key] = str(number)
            self.held.append((expected, actual))
        elif isinstance(expected, Stale):
            assert expected == actual
            assert expected.last == self.last[key] >= str(number)
        elif isinstance(expected, Running) and isinstance(actual, Running):
            assert abs(expected.seconds_left - actual.seconds_left) < 0.01

    @rule(index=st.integers(0, 20), times=st.integers(1, 2))
    def finish(self, index: int, times: int) -> None:
        """Whoever lost its turn is told so; to finish twice is harmless."""
        if not self.held:
            return
        first, second = self.held[index % len(self.held)]
        for _ in range(times):
            lost = 0
            for store, turn in ((self.reference, first), (self.store, second)):
                try:
                    store.finish(turn)  # type: ignore[attr-defined]
                except LockLost:
                    lost += 1
            assert lost in (0, 2)
            assert lost or self.last[first.key] == first.sequence

    @rule(index=st.integers(0, 20))
    def abandon(self, index: int) -> None:
        """A turn can be given back at any time, also one that is long lost."""
        if self.held:
            first, second = self.held[index % len(self.held)]
            self.reference.abandon(first)
            self.store.abandon(second)

    @rule(seconds=st.integers(0, 20))
    def wait(self, seconds: int) -> None:
        """Time passes: turns end."""
        self.clock.now += seconds

    @invariant()
    def one_turn_at_a_time(self) -> None:
        """No two attempts hold the same token."""
        tokens = [turn.token for _, turn in self.held]
        assert len(tokens) == len(set(tokens))


SequencesMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None
)
TestSequences = SequencesMachine.TestCase


class Parcel(Model):
    """A record of the publisher."""

    parcel: str
    place: int = 0


class Leg(Model):
    """A record with a sort key."""

    parcel: str
    leg: str


class Note(Task, version=1, service="depot"):
    """A task, which has no place among events."""


depot = Service("depot", entry=f"{__name__}:depot")
parcels = depot.table("parcels", Parcel, key="parcel")
legs = depot.table("legs", Leg, key="parcel", sort="leg")


@depot.performs(Note, uses=[parcels.write, legs.write, Moved, Note])
def note(task: Note) -> None:
    """Never called: the tests write the table themselves."""


tracker = Service("tracker", entry=f"{__name__}:tracker")
seen: list[int] = []


@tracker.reacts_to(Moved, stale="ignore")
def on_moved(event: Moved) -> None:
    """Remember the place."""
    if event.place < 0:
        raise RuntimeError("no such place")
    seen.append(event.place)


@pytest.fixture
def publisher() -> Iterator[ServiceHarness]:
    """The publisher, running."""
    with ServiceHarness(depot) as harness:
        yield harness


@pytest.fixture
def subscriber() -> Iterator[ServiceHarness]:
    """A subscriber that cares for the newest only."""
    seen.clear()
    with ServiceHarness(tracker) as harness:
        yield harness


def envelopes(harness: ServiceHarness) -> list[CloudEvent]:
    """What is in the outbox, as it was stored."""
    return [CloudEvent.parse(item["envelope"]["S"]) for item in harness._outbox()]


def moved(place: int) -> Moved:
    """The parcel has moved."""
    return Moved(parcel="p", place=place)


def test_events_of_one_record_have_an_order(publisher: ServiceHarness) -> None:
    """Sequences rise with every write, within one write, and from one life to the next."""
    parcel = parcels.put(Parcel(parcel="p"), emit=[moved(1), Note(), moved(2)])
    parcel = parcels.put(parcel, emit=[moved(3)])
    read = parcels.get("p")
    assert read is not None
    parcels.delete(read, emit=[moved(4)])
    parcels.put(Parcel(parcel="p"), emit=[moved(5)])
    told = sorted(
        (e.sequence, e.data["place"], e.partitionkey)
        for e in envelopes(publisher)
        if e.sequence is not None
    )
    assert [(place, key) for _, place, key in told] == [(n, "parcels/p") for n in range(1, 6)]
    assert len({sequence for sequence, _, _ in told}) == 5
    assert len({len(sequence) for sequence, _, _ in told}) == 1


def test_aggregates_are_told_apart(publisher: ServiceHarness) -> None:
    """Records with the same key in two tables are two aggregates; a task belongs to none."""
    parcels.put(Parcel(parcel="p"), emit=[moved(1)])
    legs.put(Leg(parcel="p", leg="1"), emit=[moved(2), Note()])
    found = {envelope.type: envelope.partitionkey for envelope in envelopes(publisher)}
    keys = {envelope.partitionkey for envelope in envelopes(publisher)}
    assert keys == {"parcels/p", "legs/p/1", None}
    assert found["depot.note.v1"] is None


def test_stale_events_are_acknowledged_and_passed_over(subscriber: ServiceHarness) -> None:
    """Of events in the wrong order only those that are news are handled."""
    order = [2, 1, 2, 5, 3, 4, 6]
    assert all(subscriber.deliver(moved(n), event_id=str(n), sequence=n) for n in order)
    assert seen == [2, 5, 6]


def test_a_failed_event_is_tried_again_and_nothing_older(subscriber: ServiceHarness) -> None:
    """It may have had some effect before it failed, which an older one must not overwrite."""
    assert not subscriber.deliver(moved(-1), sequence=7)
    assert subscriber.deliver(moved(1), sequence=6)
    assert seen == []
    assert subscriber.deliver(moved(2), sequence=7)
    assert seen == [2]


def test_events_without_a_sequence_are_known_by_their_id(subscriber: ServiceHarness) -> None:
    """An event that was stored with no record is handled once, as everywhere."""
    for _ in range(2):
        assert subscriber.deliver(moved(1), event_id="e-1")
    assert seen == [1]


def test_subjects_do_not_share_a_sequence(subscriber: ServiceHarness) -> None:
    """How far one parcel has come says nothing of another."""
    assert subscriber.deliver(Moved(parcel="a", place=1), sequence=9)
    assert subscriber.deliver(Moved(parcel="b", place=2), sequence=1)
    assert seen == [1, 2]
