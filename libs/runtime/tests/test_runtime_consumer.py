"""Consumers: whatever dies, whenever, nothing is lost and nothing takes effect twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from trunkline import Event, Service
from trunkline.contracts.message import Message, message_type
from trunkline.errors import Conflict, InvalidMessage, Rejected
from trunkline.events import sqs
from trunkline.events.channel import Delivery
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.consumer import MAX_DELAY_SECONDS, ConsumerProgram, backoff
from trunkline.idempotency.keys import KEEP_MESSAGE_SECONDS
from trunkline.idempotency.store import Lock
from trunkline.invocation import current
from trunkline.testing import MemorySequences, MemoryStore, ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import queue_record


class Paid(Event, version=1, subject="order_id", service="bank"):
    """What the consumers here react to."""

    order_id: str


class Clock:
    """A clock that tests turn."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Crash(BaseException):
    """The process dies: nothing after this point happens."""


@dataclass
class Queue:
    """The consumer's side of SQS, as far as a test needs it."""

    postponed: list[int] = field(default_factory=list)
    dead: list[tuple[Delivery, str]] = field(default_factory=list)
    broken: bool = False
    deliveries = staticmethod(sqs.deliveries)
    answer = staticmethod(sqs.answer)

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        """Remember for how long."""
        self.postponed.append(seconds)

    def put(self, delivery: Delivery, *, reason: str, error_type: str, function: str) -> None:
        """Keep a dead letter, or fail."""
        if self.broken:
            raise ConnectionError("no queue")
        self.dead.append((delivery, reason))


class DyingStore(MemoryStore):
    """A store whose process may die just before or just after a record is completed."""

    die: str | None = None

    def complete(self, lock: Lock, result: str | None, *, keep_seconds: float) -> None:
        """Complete, unless the process dies first."""
        if self.die == "before the record":
            raise Crash
        super().complete(lock, result, keep_seconds=keep_seconds)
        if self.die == "after the record":
            raise Crash


class Bench:
    """A consumer with one handler, whose behaviour a test decides."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = DyingStore(self.clock)
        self.queue = Queue()
        self.charges: dict[str, int] = {}
        self.facts: dict[str, set[str]] = {}
        self.attempts: list[str] = []
        self.error: Exception | None = None
        self.good: set[str] = set()
        self.die: str | None = None
        service = Service("bench")
        service.reacts_to(Paid)(self.handle)
        self.program = ConsumerProgram(
            "bench",
            service.event_handlers.values(),
            self.store,
            self.queue,
            self.queue,
            MemorySequences(self.clock),
            random=lambda: 0.5,
        )

    def handle(self, event: Paid) -> None:
        """Charge through a provider that knows its own keys, then record a fact."""
        self.attempts.append(event.order_id)
        if self.die == "before the effect":
            raise Crash
        if self.error is not None and event.order_id not in self.good:
            raise self.error
        self.charges.setdefault(event.order_id, 0)
        self.charges[event.order_id] = 1
        if self.die == "after the effect":
            raise Crash
        invocation = current()
        assert invocation is not None
        self.facts.setdefault(event.order_id, set()).add(invocation.fact_id())

    def deliver(
        self,
        *bodies: str,
        receives: int = 1,
        seconds: float = 30.0,
        groups: Sequence[str | None] | None = None,
    ) -> tuple[bool, ...]:
        """Deliver a batch; for each message whether it was acknowledged."""
        records = [
            queue_record(body, receives=receives, group=group)
            for body, group in zip(bodies, groups or [None] * len(bodies), strict=True)
        ]
        answer = self.program.handle({"Records": records}, far_away(seconds))
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        return tuple(record["messageId"] not in failed for record in records)


def body(message: Message, event_id: str = "e-1") -> str:
    """A message as it lies in the queue."""
    return CloudEvent.of(message, event_id=event_id, source="bank").dump()


DEATHS = ["before the effect", "after the effect", "before the record", "after the record"]


class CrashMachine(RuleBasedStateMachine):
    """Messages are duplicated and processed by processes that die anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.queue: list[str] = []
        self.sent: set[str] = set()

    @rule(number=st.integers(0, 5))
    def send(self, number: int) -> None:
        """A message arrives; the same one may have arrived before."""
        self.queue.append(str(number))
        self.sent.add(str(number))

    @rule(
        index=st.integers(0, 30),
        death=st.sampled_from([None, *DEATHS, "before the acknowledgement"]),
    )
    def process(self, index: int, death: str | None) -> None:
        """A process takes a message and lives, or dies somewhere."""
        if not self.queue:
            return
        number = self.queue[index % len(self.queue)]
        self.bench.die = self.bench.store.die = death
        try:
            (acknowledged,) = self.bench.deliver(body(Paid(order_id=number), f"e-{number}"))
        except Crash:
            acknowledged = False
        finally:
            self.bench.die = self.bench.store.die = None
        if acknowledged and death != "before the acknowledgement":
            self.queue.remove(number)

    @rule(seconds=st.sampled_from([1.0, 29.0, 31.0, 100.0]))
    def wait(self, seconds: float) -> None:
        """Time passes; locks of dead processes end."""
        self.bench.clock.now += seconds

    def teardown(self) -> None:
        """Once nothing dies any more, every message is done, once."""
        rounds = 0
        while self.queue:
            number = self.queue[0]
            (acknowledged,) = self.bench.deliver(body(Paid(order_id=number), f"e-{number}"))
            if acknowledged:
                self.queue.pop(0)
            self.bench.clock.now += 31
            rounds += 1
            assert rounds < 1000
        assert set(self.bench.charges) == self.sent
        assert all(count == 1 for count in self.bench.charges.values())
        assert all(len(facts) == 1 for facts in self.bench.facts.values())
        assert set(self.bench.facts) == self.sent
        assert self.bench.queue.dead == []


CrashMachine.TestCase.settings = settings(stateful_step_count=30)
TestCrashes = CrashMachine.TestCase


def test_twenty_deliveries_in_sequence_take_effect_once() -> None:
    """The same event delivered twenty times is handled once and acknowledged each time."""
    bench = Bench()
    outcomes = [bench.deliver(body(Paid(order_id="1")))[0] for _ in range(20)]
    assert all(outcomes)
    assert bench.attempts == ["1"]


def test_twenty_deliveries_at_once_take_effect_once() -> None:
    """Of twenty concurrent deliveries one is handled; the others are returned or known as done."""
    bench = Bench()
    barrier = threading.Barrier(20)
    outcomes: list[bool] = []

    def run() -> None:
        barrier.wait()
        outcomes.extend(bench.deliver(body(Paid(order_id="1"))))

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bench.attempts == ["1"]
    assert len(outcomes) == 20
    assert any(outcomes)


def test_the_same_event_twice_in_one_batch_takes_effect_once() -> None:
    """A duplicate within a batch is acknowledged without a second effect."""
    bench = Bench()
    assert bench.deliver(body(Paid(order_id="1")), body(Paid(order_id="1"))) == (True, True)
    assert bench.attempts == ["1"]


@pytest.mark.parametrize("death", DEATHS)
def test_message_in_progress_is_returned_never_acknowledged(death: str) -> None:
    """While a dead process's lock lasts, the message goes back; then it is done."""
    bench = Bench()
    bench.die = bench.store.die = death
    with pytest.raises(Crash):
        bench.deliver(body(Paid(order_id="1")))
    bench.die = bench.store.die = None
    recorded = death == "after the record"
    assert bench.deliver(body(Paid(order_id="1"))) == (recorded,)
    bench.clock.now += 31
    assert bench.deliver(body(Paid(order_id="1"))) == (True,)
    assert bench.charges == {"1": 1}


def test_lock_lasts_until_the_invocation_ends() -> None:
    """A crashed invocation blocks its message for its own remaining time, not for longer."""
    bench = Bench()
    bench.die = "after the effect"
    with pytest.raises(Crash):
        bench.deliver(body(Paid(order_id="1")), seconds=3)
    bench.die = None
    bench.clock.now += 3.1
    assert bench.deliver(body(Paid(order_id="1"))) == (True,)


def test_one_failing_message_does_not_hold_up_the_batch() -> None:
    """Only the message that failed is returned."""
    bench = Bench()
    good, bad = body(Paid(order_id="1"), "e-1"), body(Paid(order_id="2"), "e-2")
    bench.deliver(good)
    bench.error = RuntimeError("provider down")
    assert bench.deliver(good, bad) == (True, False)
    assert bench.queue.dead == []


def test_failed_message_is_tried_again_after_a_growing_time() -> None:
    """An error is no reason to wait for the visibility timeout."""
    bench = Bench()
    bench.error = RuntimeError("provider down")
    for receives in (1, 2, 3):
        bench.deliver(body(Paid(order_id="1")), receives=receives)
    assert bench.queue.postponed == [2, 5, 14]


def test_backoff_is_bounded() -> None:
    """However often a message failed, it comes back within the limit and never at once."""
    assert backoff(1, 0.0) >= 1
    assert backoff(40, 1.0) == MAX_DELAY_SECONDS


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Rejected("no such order"), "Rejected: no such order"),
        (InvalidMessage("nonsense"), "InvalidMessage: nonsense"),
    ],
)
def test_hopeless_message_is_dead_lettered_at_once(error: Exception, reason: str) -> None:
    """An error that is not retryable goes to the dead-letter queue with its reason."""
    bench = Bench()
    bench.error = error
    assert bench.deliver(body(Paid(order_id="1"))) == (True,)
    assert [why for _, why in bench.queue.dead] == [reason]


def test_last_attempt_is_dead_lettered_with_its_reason() -> None:
    """At the last receive the message leaves the queue for the dead-letter queue."""
    bench = Bench()
    bench.error = Conflict("state has changed")
    assert bench.deliver(body(Paid(order_id="1")), receives=4) == (False,)
    assert bench.deliver(body(Paid(order_id="1")), receives=5) == (True,)
    assert [why for _, why in bench.queue.dead] == ["Conflict: state has changed"]


@pytest.mark.parametrize("bug", [TypeError("a bug"), KeyError("x"), AssertionError("never")])
def test_a_bug_in_a_handler_is_tried_again(bug: Exception) -> None:
    """A bug may be mended while the message waits: only errors that say so are hopeless."""
    bench = Bench()
    bench.error = bug
    assert bench.deliver(body(Paid(order_id="1"))) == (False,)
    assert bench.queue.dead == []


def numbered(*numbers: int) -> tuple[str, ...]:
    """Messages 1, 2, 3 about orders 1, 2, 3."""
    return tuple(body(Paid(order_id=str(number)), f"e-{number}") for number in numbers)


def test_a_failed_message_holds_back_its_group_and_no_other() -> None:
    """Behind a failure, messages of its group go back untouched; other groups go on."""
    bench = Bench()
    bench.error, bench.good = RuntimeError("provider down"), {"1", "3", "5"}
    assert bench.deliver(*numbered(1, 2, 3, 4, 5), groups=["a", "b", "a", "b", "c"]) == (
        True,
        False,
        True,
        False,
        True,
    )
    assert bench.attempts == ["1", "2", "3", "5"]
    assert bench.queue.postponed == [2, 0]


def test_a_dead_lettered_message_lets_its_group_go_on() -> None:
    """What will never be processed does not hold up those behind it."""
    bench = Bench()
    bench.error, bench.good = Rejected("no such order"), {"2"}
    assert bench.deliver(*numbered(1, 2), groups=["a", "a"]) == (True, True)
    assert bench.attempts == ["1", "2"]
    assert [delivery.group for delivery, _ in bench.queue.dead] == ["a"]


def test_a_group_waits_for_a_message_that_cannot_be_dead_lettered() -> None:
    """A message that is safe nowhere is still in the line."""
    bench = Bench()
    bench.error, bench.good, bench.queue.broken = Rejected("no"), {"2"}, True
    assert bench.deliver(*numbered(1, 2), groups=["a", "a"]) == (False, False)
    assert bench.attempts == ["1"]


@pytest.mark.parametrize("kept", [14 * 24 * 3600, KEEP_MESSAGE_SECONDS - 1])
def test_a_message_is_known_for_as_long_as_it_can_come_back(kept: int) -> None:
    """SQS keeps a message for 14 days at most; for a day more it is known as done."""
    bench = Bench()
    bench.deliver(*numbered(1))
    bench.clock.now += kept
    assert bench.deliver(*numbered(1)) == (True,)
    assert bench.attempts == ["1"]


def test_a_message_is_forgotten_after_the_window() -> None:
    """At the end of the window the same id is new: nothing is remembered for ever."""
    bench = Bench()
    bench.deliver(*numbered(1))
    bench.clock.now += KEEP_MESSAGE_SECONDS
    assert bench.deliver(*numbered(1)) == (True,)
    assert bench.attempts == ["1", "1"]


def test_redriven_message_is_processed() -> None:
    """A message that was dead-lettered and comes back is handled, not taken for a duplicate."""
    bench = Bench()
    bench.error = RuntimeError("provider down")
    bench.deliver(body(Paid(order_id="1")), receives=5)
    bench.error = None
    ((delivery, _),) = bench.queue.dead
    assert bench.deliver(delivery.body) == (True,)
    assert bench.charges == {"1": 1}


def test_message_stays_if_it_cannot_be_dead_lettered() -> None:
    """Nothing is acknowledged before it is safe elsewhere."""
    bench = Bench()
    bench.error, bench.queue.broken = Rejected("no"), True
    assert bench.deliver(body(Paid(order_id="1"))) == (False,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "{",
        json.dumps({"specversion": "0.3", "id": "1", "source": "s", "type": "bank.paid.v1"}),
        json.dumps({"specversion": "1.0", "id": "", "source": "s", "type": "bank.paid.v1"}),
        json.dumps({"specversion": "1.0", "id": "1", "source": "s", "type": "bank.other.v1"}),
        json.dumps({"specversion": "1.0", "id": "1", "source": "s", "type": "bank.paid.v1"}),
        json.dumps(
            {"specversion": "1.0", "id": "1", "source": "s", "type": "bank.paid.v1", "data": {}}
        ),
    ],
)
def test_what_is_no_event_of_ours_is_dead_lettered(text: str) -> None:
    """Nonsense is kept for people to look at, and does not block the queue."""
    bench = Bench()
    assert bench.deliver(text) == (True,)
    assert len(bench.queue.dead) == 1
    assert bench.attempts == []


def test_message_is_returned_untouched_when_no_time_is_left() -> None:
    """A handler is not begun when Lambda would cut it off."""
    bench = Bench()
    assert bench.deliver(body(Paid(order_id="1")), seconds=0.1) == (False,)
    assert bench.attempts == []
    assert bench.queue.postponed == [0]


def test_unknown_fields_of_an_event_are_ignored() -> None:
    """A publisher may add a field without asking its subscribers."""
    bench = Bench()
    fields = json.loads(body(Paid(order_id="1")))
    fields["data"]["new"] = 1
    assert bench.deliver(json.dumps(fields)) == (True,)
    assert bench.charges == {"1": 1}


def test_dead_letter_keeps_its_attributes(shop: ServiceHarness) -> None:
    """On the real dead-letter queue a message has its reason beside what it came with."""
    shop.deliver_raw("on-payment-seen", "nonsense", attributes={"type": "x", "origin": "test"})
    (letter,) = shop.dead_letters("on-payment-seen")
    assert letter.body == "nonsense"
    assert letter.error_type == "InvalidMessage"
    assert letter.function == "on-payment-seen"
    assert letter.reason.startswith("InvalidMessage: not JSON")
    assert letter.attributes["origin"] == "test"
    assert letter.attributes["failed_at"]


def test_reason_fits_into_an_attribute(shop: ServiceHarness) -> None:
    """A reason with control characters, or a very long one, is made to fit."""
    from shop_contract import PaymentSeen

    message = PaymentSeen(order_id="1", fail="a\x00b\n" + "x" * 5000)
    assert shop.deliver(message, receives=5)
    (letter,) = shop.dead_letters("on-payment-seen")
    assert letter.reason.startswith("RuntimeError: a b")
    assert len(letter.reason) == 500


def test_consumer_on_dynamodb_deduplicates(shop: ServiceHarness) -> None:
    """With the real store, too, the same event takes effect once."""
    from shop_contract import PaymentSeen
    from shop_service import effects

    assert [shop.deliver(PaymentSeen(order_id="1")) for _ in range(3)] == [True] * 3
    assert effects.done == ["1"]


def test_batch_answer_has_lambdas_form(shop: ServiceHarness) -> None:
    """An empty batch gives an empty list of failures."""
    answer: Mapping[str, Any] = shop.program.consumer("tasks").handle({"Records": []}, far_away())
    assert answer == {"batchItemFailures": []}


def test_wire_name_of_the_bench() -> None:
    """The events here are called as the bank's."""
    assert message_type(Paid).wire_name == "bank.paid.v1"
