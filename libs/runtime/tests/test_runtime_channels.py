"""A new kind of channel: an event bus that invokes functions directly, added in this test alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from trunkline import Event, Service
from trunkline.errors import Rejected, Unavailable
from trunkline.events.channel import Channel, Delivery
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.consumer import ConsumerProgram
from trunkline.events.outbox import OutboxItem, OutboxKey, outbox_items
from trunkline.events.relay import RelayProgram
from trunkline.testing import MemorySequences, MemoryStore
from trunkline.testing.deadline import far_away


class Shipped(Event, version=1, subject="parcel", service="depot"):
    """What goes over the bus."""

    parcel: str


class Bus:
    """The way out: events as a bus carries them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Put events on the bus, which refuses large ones."""
        refused = {item.key: "too large" for item in items if len(item.envelope.dump()) > 2000}
        for item in items:
            if item.key not in refused:
                detail = json.loads(item.envelope.dump())
                self.events.append({"detail-type": item.envelope.type, "detail": detail})
        return refused


class BusSource:
    """The way in: each event invokes the function, and an error invokes it again."""

    def deliveries(self, event: Mapping[str, Any]) -> Sequence[Delivery]:
        """The one message."""
        return [Delivery(event["detail"]["id"], json.dumps(event["detail"]))]

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        """Lambda itself decides when it invokes a function again."""

    def answer(self, failed: Sequence[Delivery]) -> None:
        """An invocation fails as a whole."""
        if failed:
            raise Unavailable(f"not processed: {failed[0].message_id}")


class Items:
    """An outbox, which is its own switchboard, and keeps dead letters."""

    def __init__(self, channel: Channel) -> None:
        self.waiting_items: dict[OutboxKey, OutboxItem] = {}
        self.dead: list[str] = []
        self._channel = channel

    def waiting(self, keys: Sequence[OutboxKey]) -> frozenset[OutboxKey]:
        """Those that wait."""
        return frozenset(keys) & frozenset(self.waiting_items)

    def lane(self, lane: str, last: str) -> Sequence[OutboxItem]:
        """Nothing here has an order."""
        return ()

    def delete(self, key: OutboxKey) -> None:
        """Forget one."""
        del self.waiting_items[key]

    def stored_before(self, moment: datetime) -> Iterator[Sequence[OutboxItem]]:
        """All of them, on one page."""
        yield tuple(self.waiting_items.values())

    def of(self, item: OutboxItem) -> Channel:
        """Everything goes over the bus."""
        return self._channel

    def put(self, delivery: Delivery, *, reason: str, error_type: str, function: str) -> None:
        """Keep a dead letter."""
        self.dead.append(reason)


class World:
    """A publisher and a subscriber with a bus between them."""

    def __init__(self) -> None:
        self.bus = Bus()
        self.items = Items(self.bus)
        self.relay = RelayProgram("depot", self.items, self.items)
        self.received: list[str] = []
        self.error: Exception | None = None
        service = Service("mailroom")
        service.reacts_to(Shipped)(self.on_shipped)
        self.consumer = ConsumerProgram(
            "mailroom",
            service.event_handlers.values(),
            MemoryStore(lambda: 1000.0),
            BusSource(),
            self.items,
            MemorySequences(lambda: 1000.0),
        )

    def on_shipped(self, event: Shipped) -> None:
        """Fail, or note the parcel."""
        if self.error is not None:
            raise self.error
        self.received.append(event.parcel)

    def tell(self, *parcels: str) -> frozenset[OutboxKey]:
        """State facts and relay them; what could not be sent."""
        for item in outbox_items("depot", [Shipped(parcel=parcel) for parcel in parcels]):
            self.items.waiting_items[item.key] = item
        return frozenset(self.relay.publish(self.items.waiting_items.values()))

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """What the bus does for each of its events."""
        return self.consumer.handle(event, far_away())


def test_events_go_out_and_come_in_by_a_new_channel() -> None:
    """Relay and consumer work with it unchanged: published, deleted, handled once."""
    world = World()
    assert world.tell("p-1", "p-2") == frozenset()
    assert world.items.waiting_items == {}
    for event in [*world.bus.events, *world.bus.events]:
        assert world.invoke(event) is None
    assert world.received == ["p-1", "p-2"]


def test_what_a_channel_refuses_stays_in_the_outbox() -> None:
    """The relay believes the channel's report."""
    world = World()
    (refused,) = world.tell("p-1", "x" * 3000)
    assert list(world.items.waiting_items) == [refused]
    assert len(world.bus.events) == 1


def test_a_failure_is_told_as_the_source_tells_it() -> None:
    """What a queue learns by a list of ids, a bus learns by an error."""
    world = World()
    world.tell("p-1")
    world.error = Unavailable("database down")
    with pytest.raises(
        Unavailable, match=CloudEvent.parse(json.dumps(world.bus.events[0]["detail"])).id
    ):
        world.invoke(world.bus.events[0])
    world.error = Rejected("no such parcel")
    assert world.invoke(world.bus.events[0]) is None
    assert world.items.dead == ["Rejected: no such parcel"]
