"""Whatever a function is invoked with: no error that is not ours, nothing acknowledged unprocessed.

``events/`` holds an event of each kind that the documentation of AWS and of Powertools shows for
our triggers, and some of others that somebody may connect by mistake. Each is also mutilated.
"""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop_contract import OrderPlaced
from shop_service import service as sample

from trunkline import Money
from trunkline.api import ApiProgram
from trunkline.aws.items import to_item
from trunkline.errors import TrunklineError
from trunkline.events import sqs
from trunkline.events.channel import Channel, Delivery
from trunkline.events.consumer import ConsumerProgram
from trunkline.events.outbox import OutboxItem, OutboxKey, outbox_items
from trunkline.events.relay import RelayProgram
from trunkline.invocation import Invocation, running
from trunkline.manifest import variables
from trunkline.testing import MemorySequences, MemoryStore
from trunkline.testing.deadline import far_away
from trunkline.testing.events import stream_record

SAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parent / "events").glob("*.json"))
}
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    return [path, *(found for key, part in parts for found in _paths(part, (*path, key)))]


@st.composite
def mutilated(draw: st.DrawFn) -> Any:
    """A sample in which some parts are something else."""
    event = copy.deepcopy(SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))])
    for _ in range(draw(st.integers(0, 3))):
        *parents, last = draw(st.sampled_from(_paths(event)[1:] or [(None,)]))
        target = event
        for key in parents:
            target = target[key]
        if isinstance(target, dict | list) and last is not None:
            target[last] = draw(JUNK)
    return event


EVENTS = mutilated() | JUNK


@dataclass
class Queue:
    """A consumer's queue and its dead-letter queue."""

    dead: list[str] = field(default_factory=list)
    deliveries = staticmethod(sqs.deliveries)
    answer = staticmethod(sqs.answer)

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        """Whether it is hidden makes no difference here."""

    def put(self, delivery: Delivery, *, reason: str, error_type: str, function: str) -> None:
        """Keep a dead letter."""
        assert reason
        assert error_type
        self.dead.append(delivery.message_id)


@dataclass
class Ways:
    """An outbox that holds whatever it is asked for, and the channel that it empties into."""

    sent: list[OutboxKey] = field(default_factory=list)
    deleted: list[OutboxKey] = field(default_factory=list)

    def waiting(self, keys: Sequence[OutboxKey]) -> frozenset[OutboxKey]:
        return frozenset(keys)

    def delete(self, key: OutboxKey) -> None:
        assert key in self.sent
        self.deleted.append(key)

    def stored_before(self, moment: datetime) -> Iterator[Sequence[OutboxItem]]:
        return iter(())

    def of(self, item: OutboxItem) -> Channel:
        return self

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        self.sent += [item.key for item in items]
        return {}


def _answers(program: ApiProgram, event: Any) -> None:
    answer = program.handle(event, far_away())
    assert 400 <= answer["statusCode"] < 600
    assert json.loads(answer["body"])["status"] == answer["statusCode"]
    json.dumps(answer, allow_nan=False)


def _loses_no_message(event: Any) -> None:
    queue = Queue()
    handlers = [sample.event_handlers["on-payment-seen"]]
    store, turns = MemoryStore(time.time), MemorySequences(time.time)
    program = ConsumerProgram("shop", handlers, store, queue, queue, turns)
    try:
        answer = program.handle(event, far_away())
    except TrunklineError:
        return  # Lambda returns the whole batch to the queue
    returned = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
    # No sample holds a message of ours: what is not returned must be a dead letter.
    records = (event.get("Records") or ()) if isinstance(event, dict) else ()
    assert sorted(record["messageId"] for record in records) == sorted(queue.dead + returned)
    assert all(isinstance(one, str) and one for one in returned)


def _relayed(event: Any) -> Ways | TrunklineError:
    ways = Ways()
    try:
        answer = RelayProgram("shop", ways, ways).handle(event, far_away())
    except TrunklineError as error:
        return error
    assert isinstance(answer, dict)
    return ways


def _relays_nothing(event: Any) -> None:
    done = _relayed(event)
    assert isinstance(done, TrunklineError) or not done.sent


@pytest.fixture(scope="module")
def api() -> ApiProgram:
    """The API of the sample service."""
    return ApiProgram(sample, MemoryStore(time.time))


@pytest.mark.parametrize("name", SAMPLES)
def test_an_api_answers_every_documented_event(
    api: ApiProgram, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that the API does not know, or that another trigger sends, gets a problem."""
    monkeypatch.setenv(variables.ENVIRONMENT, "test")
    _answers(api, SAMPLES[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_consumer_keeps_every_documented_message(name: str) -> None:
    """Messages of others are dead letters with their reason; what is no batch is refused."""
    _loses_no_message(SAMPLES[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_the_relay_survives_every_documented_event(name: str) -> None:
    """Records of other tables, and what is no stream batch, publish nothing."""
    _relays_nothing(SAMPLES[name])


@given(EVENTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_event_breaks_the_api(api: ApiProgram, event: Any) -> None:
    """Whatever comes, the answer is a well-formed problem."""
    with mock.patch.dict(os.environ, {variables.ENVIRONMENT: "test"}):
        _answers(api, event)


@given(EVENTS)
def test_no_event_makes_a_consumer_lose_a_message(event: Any) -> None:
    """Every message of a batch is returned or dead-lettered, or the whole batch fails."""
    _loses_no_message(event)


@given(EVENTS)
def test_no_event_makes_the_relay_publish_what_is_not_ours(event: Any) -> None:
    """Nonsense is no item of the outbox."""
    _relays_nothing(event)


@given(st.lists(JUNK, max_size=3), st.lists(JUNK, max_size=3))
def test_nonsense_beside_an_item_loses_it_not(before: list[Any], after: list[Any]) -> None:
    """An item of the outbox is published, or the whole batch is delivered again."""
    invocation = Invocation("shop", "api", "place_order", far_away())
    with running(invocation):
        (item,) = outbox_items(
            "shop", [OrderPlaced(order_id="o", total=Money(amount=1, currency="EUR"))]
        )
    done = _relayed({"Records": [*before, stream_record(to_item(item.values()), 7), *after]})
    assert isinstance(done, TrunklineError) or done.deleted == [item.key]
