"""The relay and the sweep as one state machine: nothing is lost, whatever happens between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from trunkline import clock
from trunkline.aws import clients
from trunkline.aws.items import to_item
from trunkline.events.aws import DynamoOutbox
from trunkline.events.channel import THROTTLED
from trunkline.events.cloudevents import CloudEvent, rfc3339
from trunkline.events.outbox import OutboxItem, OutboxKey
from trunkline.events.relay import Outbox, RelayProgram
from trunkline.events.sweep import LEFT_BEHIND_AFTER
from trunkline.testing import ServiceHarness
from trunkline.testing.clock import MovableClock
from trunkline.testing.deadline import far_away
from trunkline.testing.events import stream_record

RETENTION = timedelta(hours=24)
"""How long a stream keeps a record."""


class Crash(BaseException):
    """The process dies."""


class MemoryOutbox:
    """An outbox in this process: the reference for the one in DynamoDB."""

    def __init__(self) -> None:
        self.items: dict[OutboxKey, OutboxItem] = {}

    def put(self, item: OutboxItem) -> None:
        """Store an item, as the transaction of a handler does."""
        self.items[item.key] = item

    def waiting(self, keys: Sequence[OutboxKey]) -> frozenset[OutboxKey]:
        """Those in the table."""
        return frozenset(keys) & frozenset(self.items)

    def lane(self, lane: str, last: str) -> Sequence[OutboxItem]:
        """One lane, up to a place, by the order of places."""
        found = [item for key, item in self.items.items() if key.lane == lane and key.place <= last]
        return sorted(found, key=lambda item: item.key.place)

    def delete(self, key: OutboxKey) -> None:
        """Delete; an item that is gone already is no error, as in DynamoDB."""
        self.items.pop(key, None)

    def stored_before(self, moment: datetime) -> Iterator[Sequence[OutboxItem]]:
        """Pages of two, in the order of a hash."""
        found = [item for item in self.items.values() if item.envelope.time < rfc3339(moment)]
        found.sort(key=lambda item: item.key.lane[::-1])
        for start in range(0, len(found), 2):
            yield found[start : start + 2]


class TableOutbox(DynamoOutbox):
    """The outbox in an in-process DynamoDB."""

    def put(self, item: OutboxItem) -> None:
        """Store an item, as the transaction of a handler does."""
        table = "trunkline-test-shop-outbox"
        clients.client("dynamodb").put_item(TableName=table, Item=to_item(item.values()))


class World:
    """The outbox and its one channel, as the relay sees them: something may happen at each step.

    ``plan`` says what happens at the next steps of the running relay: it dies, the call fails, a
    message is refused, the channel throttles, or another relay does all its work in between.
    """

    def __init__(self, outbox: MemoryOutbox | TableOutbox) -> None:
        self.outbox = outbox
        self.stored: dict[OutboxKey, OutboxItem] = {}
        self.sent: list[OutboxItem] = []
        self.plan: list[str | None] = []
        self.intruder: Callable[[], object] = lambda: None

    def waiting(self, keys: Sequence[OutboxKey]) -> frozenset[OutboxKey]:
        """Those in the table."""
        self.happen()
        found = self.outbox.waiting(keys)
        self.happen()
        return found

    def lane(self, lane: str, last: str) -> Sequence[OutboxItem]:
        """One lane."""
        self.happen()
        found = self.outbox.lane(lane, last)
        self.happen()
        return found

    def delete(self, key: OutboxKey) -> None:
        """Delete what the channel should have confirmed; ``nothing_is_lost`` sees if it had not."""
        self.happen()
        self.outbox.delete(key)
        self.happen()

    def stored_before(self, moment: datetime) -> Iterator[Sequence[OutboxItem]]:
        """Only what the stream had its time for."""
        for page in self.outbox.stored_before(moment):
            self.happen()
            limit = rfc3339(clock.moment() - LEFT_BEHIND_AFTER)
            assert all(item.envelope.time < limit for item in page)
            yield page

    def of(self, item: OutboxItem) -> World:
        """One channel for everything."""
        return self

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Send one by one: a failure may come after some are through."""
        failed: dict[OutboxKey, str] = {}
        for number, item in enumerate(items):
            match self.happen():
                case "refuse":
                    failed[item.key] = "refused"
                case "throttle":
                    return failed | {held.key: THROTTLED for held in items[number:]}
                case _:
                    self.sent.append(item)
        self.happen()
        return failed

    def happen(self) -> str | None:
        """Take one step, with what the plan has for it."""
        event = self.plan.pop(0) if self.plan else None
        if event == "die":
            raise Crash
        if event == "fail":
            raise ConnectionError("no answer")
        if event == "intrude":
            rest, self.plan = self.plan, []
            self.intruder()
            self.plan = rest
        return event


ACTIONS = (None, None, None, "die", "fail", "refuse", "throttle", "intrude")
plans = st.lists(st.sampled_from(ACTIONS), max_size=15)


class RelayMachine(RuleBasedStateMachine):
    """Handlers store items, a stream brings them, its reader forgets some, time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.world = World(self.make_outbox())
        self.time = self.stack.enter_context(MovableClock().ticking())
        self.relay = RelayProgram("x", self.checked(self.world), self.world)
        self.facts: list[OutboxItem] = []
        self.stream: list[int] = []
        """Numbers of facts, in the order in which they were stored."""

    def make_outbox(self) -> MemoryOutbox | TableOutbox:
        """The outbox under test."""
        return MemoryOutbox()

    def checked(self, world: World) -> Outbox:
        """The world fits the relay's own protocol."""
        return world

    @rule(
        count=st.integers(1, 4),
        versions=st.integers(1, 2),
        lane=st.sampled_from([None, "things/a", "things/b"]),
    )
    def store(self, count: int, versions: int, lane: str | None) -> None:
        """Facts enter the table, each in one version or more, and, with it, the stream.

        Those of a lane are ordered.
        """
        world = self.world
        for fact in range(count):
            event_id = f"fact-{len(self.facts)}"
            for version in range(1, versions + 1):
                stored_at, data = rfc3339(clock.moment()), {"of": event_id, "version": version}
                envelope = CloudEvent(event_id, "/x", f"x.y.v{version}", None, stored_at, data)
                key = (
                    OutboxKey(lane, f"{len(self.facts):05}.v{version}")
                    if lane is not None
                    else OutboxKey(event_id, f"v{version}")
                )
                item = OutboxItem(key, "event", "x", envelope, fact, ordered=lane is not None)
                world.outbox.put(item)
                world.stored[item.key] = item
                self.stream.append(len(self.facts))
                self.facts.append(item)

    @rule(
        size=st.integers(1, 6),
        plan=plans,
        again=st.booleans(),
        by_sweep=st.booleans(),
        back=st.data(),
    )
    def read(
        self, size: int, plan: list[str | None], again: bool, by_sweep: bool, back: st.DataObject
    ) -> None:
        """The stream's reader brings a batch, perhaps one that it brought before, in any order."""
        batch = self.stream[:size]
        if again and self.facts:
            some = st.lists(st.integers(0, len(self.facts) - 1), max_size=4)
            batch = [*back.draw(some), *batch]
        failed = self.run(plan, by_sweep, lambda: self.deliver(batch))
        if failed is not None:
            left = [number for number in self.stream[:size] if number in failed]
            done = self.stream.index(left[0]) if left else size
            self.stream = self.stream[done:]

    @rule(plan=plans, by_sweep=st.booleans())
    def sweep(self, plan: list[str | None], by_sweep: bool) -> None:
        """The schedule comes round."""
        self.run(plan, by_sweep, self.scheduled)

    @rule(count=st.integers(1, 6))
    def give_up(self, count: int) -> None:
        """The stream's reader gives up a batch that fails again and again."""
        self.stream = self.stream[count:]

    @rule(hours=st.sampled_from([0.02, 0.1, 1, 25]))
    def wait(self, hours: float) -> None:
        """Time goes by, and the stream forgets."""
        self.time.advance(hours * 3600)
        horizon = rfc3339(clock.moment() - RETENTION)
        self.stream = [one for one in self.stream if self.facts[one].envelope.time >= horizon]

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every item waits in the table or has been published."""
        stored = frozenset(self.world.stored)
        published = {item.key for item in self.world.sent}
        assert stored <= self.world.outbox.waiting(tuple(stored)) | published

    @invariant()
    def lanes_are_published_in_order(self) -> None:
        """Nothing of a lane is published before everything that comes before it was."""
        for lane in ("things/a", "things/b"):
            stored = sorted(key.place for key in self.world.stored if key.lane == lane)
            sent = dict.fromkeys(i.key.place for i in self.world.sent if i.key.lane == lane)
            assert list(sent) == stored[: len(sent)]

    @invariant()
    def one_fact_has_one_id(self) -> None:
        """However often something is published, it is the same fact under the same id."""
        for item in self.world.sent:
            assert item.envelope.traced(None) == self.world.stored[item.key].envelope

    def run(
        self, plan: list[str | None], by_sweep: bool, work: Callable[[], frozenset[int]]
    ) -> frozenset[int] | None:
        """Work by a plan; what must come again, or ``None`` if the process died."""
        world, whole = self.world, list(self.stream)
        world.intruder = self.scheduled if by_sweep else lambda: self.deliver(whole)
        world.plan = list(plan)
        try:
            return work()
        except (Crash, ConnectionError):
            return None
        finally:
            world.plan = []

    def deliver(self, numbers: Sequence[int]) -> frozenset[int]:
        """Give the relay stream records; the numbers of those that it wants again."""
        records = [stream_record(to_item(self.facts[one].values()), one) for one in numbers]
        answer = self.relay.handle({"Records": records}, far_away())
        return frozenset(int(failure["itemIdentifier"]) for failure in answer["batchItemFailures"])

    def scheduled(self) -> frozenset[int]:
        """Give the relay the scheduled event."""
        answer = self.relay.handle({"source": "aws.events"}, far_away())
        assert answer["found"] == answer["published"] + answer["left"]
        return frozenset()

    def teardown(self) -> None:
        """Though the stream brings nothing any more, all is published, and nothing twice anew."""
        with self.stack:
            self.time.advance(25 * 3600)
            self.scheduled()
            assert {item.key for item in self.world.sent} == set(self.world.stored)
            assert self.world.outbox.waiting(tuple(self.world.stored)) == frozenset()
            before = list(self.world.sent)
            self.deliver(range(len(self.facts)))
            assert before == self.world.sent


class DynamoMachine(RelayMachine):
    """The same on the adapter to DynamoDB."""

    def make_outbox(self) -> MemoryOutbox | TableOutbox:
        """A table in an in-process AWS."""
        from shop_service import service

        self.stack.enter_context(ServiceHarness(service))
        return TableOutbox()


RelayMachine.TestCase.settings = settings(stateful_step_count=20)
DynamoMachine.TestCase.settings = settings(max_examples=10, stateful_step_count=10, deadline=None)
TestRelay = RelayMachine.TestCase
TestRelayOnDynamoDB = DynamoMachine.TestCase
