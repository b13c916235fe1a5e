"""The outbox: events and tasks, stored in the transaction that makes them true."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any, Literal, NamedTuple

from trunkline.attempt import Attempt, reason
from trunkline.contracts.emission import Emittable, emissions
from trunkline.contracts.message import message_type
from trunkline.errors import DeclarationError, InvalidMessage
from trunkline.events.cloudevents import CloudEvent
from trunkline.invocation import current
from trunkline.telemetry.tracing import annotate, carried

logger = logging.getLogger(__name__)

TABLE = "outbox"
LANE = "lane"
PLACE = "place"
STORED_AT = "stored_at"
"""The attribute that says since when an item waits: RFC 3339 in UTC, so that texts compare."""


class OutboxKey(NamedTuple):
    """The table's key."""

    lane: str
    """The partition: a fact's id, or the record whose ordered events it holds."""
    place: str
    """What tells apart, and sorts, the items of one lane."""


@dataclass(frozen=True)
class OutboxItem:
    """One event or task that waits to be published."""

    key: OutboxKey
    kind: Literal["event", "task"]
    target: str
    """The publishing service of an event, the accepting one of a task."""
    envelope: CloudEvent
    position: int = 0
    """Its place among what was emitted together."""
    large: bool = False
    """Whether its data may be put away; known only while it is emitted, not stored."""
    ordered: bool = False
    """Whether it waits for everything that comes before it in its lane."""
    delay: int = 0
    """Seconds from when it was stored until it may be delivered."""

    def values(self) -> dict[str, Any]:
        """The item's attributes."""
        return {
            LANE: self.key.lane,
            PLACE: self.key.place,
            "kind": self.kind,
            "target": self.target,
            "type": self.envelope.type,
            STORED_AT: self.envelope.time,
            "position": self.position,
            "ordered": self.ordered,
            "delay": self.delay,
            "envelope": self.envelope.dump(),
        }

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> OutboxItem:
        """An item from its attributes.

        Raises:
            InvalidMessage: they are not an outbox item's.
        """
        kind = values.get("kind")
        target, envelope = values.get("target"), values.get("envelope")
        if kind not in ("event", "task") or not isinstance(target, str):
            raise InvalidMessage("not an outbox item: kind or target is missing")
        if not isinstance(envelope, str):
            raise InvalidMessage("not an outbox item: the envelope is missing")
        key = OutboxKey(str(values[LANE]), str(values[PLACE]))
        position = int(values.get("position", 0))
        ordered = values.get("ordered") is True
        delay = int(values.get("delay", 0))
        return cls(
            key, kind, target, CloudEvent.parse(envelope), position, ordered=ordered, delay=delay
        )

    def remaining_delay(self, now: datetime) -> int:
        """Whole seconds that are left of the delay."""
        if not self.delay:
            return 0
        stored_at = datetime.fromisoformat(self.envelope.time)
        return max(0, ceil(self.delay - (now - stored_at).total_seconds()))

    def traced(self, traceparent: str | None, tracestate: str | None = None) -> OutboxItem:
        """The same item, sent by another span."""
        return replace(self, envelope=self.envelope.traced(traceparent, tracestate))


def readable(item: Mapping[str, Any]) -> OutboxItem | None:
    """An item from DynamoDB's typed attributes; ``None`` if they are not an outbox item's.

    Such an item stays in the table for people to look at, and must not hold up the rest.
    """
    from trunkline.aws.items import from_item  # botocore is imported on first use only

    with Attempt() as reading:
        return OutboxItem.read(from_item(item))
    if reading.error is not None:
        lane = item.get(LANE) if isinstance(item, Mapping) else None
        logger.error("unreadable outbox item: %s", reason(reading.error), extra={"lane": lane})
    return None


@dataclass(frozen=True)
class Aggregate:
    """The record with whose change messages are emitted: events of one record have an order."""

    table: str
    key: str
    """The record's key; both parts, with a slash between them, where there is a sort key."""
    born: int
    """When the record was stored first, in milliseconds since 1970.

    A record that is deleted and stored anew counts its versions from 1 again; this tells its lives
    apart.
    """
    version: int
    """How often it was written since then, this time included."""

    @property
    def name(self) -> str:
        """``<table>/<key>``."""
        return f"{self.table}/{self.key}"

    def sequence(self, position: int) -> str:
        """The place of an event, as a string that sorts as the numbers do.

        Args:
            position: among what is emitted together.
        """
        return f"{self.born:013}.{self.version:010}.{position:03}"


def outbox_items(
    service: str, emit: Iterable[Emittable], aggregate: Aggregate | None = None
) -> list[OutboxItem]:
    """What a service stores to emit messages: one id for each fact, and the trace context.

    Args:
        service: the emitting service.
        emit: what it emits.
        aggregate: the record that is written in the same transaction, if it is one.

    Raises:
        DeclarationError: an ordered event is emitted with another record than its subject.
    """
    invocation = current()
    parent, state = carried()
    items: list[OutboxItem] = []
    for position, emission in enumerate(emissions(emit)):
        fact = invocation.fact_id() if invocation else str(uuid.uuid4())
        for message in emission.messages:
            kind = message_type(message)
            envelope = CloudEvent.of(
                message, event_id=fact, source=service, traceparent=parent, tracestate=state
            )
            if envelope.subject is not None:
                annotate("subject", envelope.subject)
            key = OutboxKey(fact, f"v{kind.version}")
            if kind.kind == "event" and aggregate is not None:
                sequence = aggregate.sequence(position)
                envelope = replace(envelope, partitionkey=aggregate.name, sequence=sequence)
                if kind.ordered:
                    key = OutboxKey(aggregate.name, f"{sequence}.v{kind.version}")
            if kind.ordered and (aggregate is None or aggregate.key != envelope.subject):
                raise DeclarationError(
                    f"{kind.wire_name} is ordered by {kind.subject_field}: it can only be emitted "
                    f"with the record that has the key {envelope.subject!r}, not with "
                    f"{'none' if aggregate is None else aggregate.name}"
                )
            items.append(
                OutboxItem(
                    key,
                    kind.kind,
                    kind.service,
                    envelope,
                    position=len(items),
                    large=kind.large,
                    ordered=kind.ordered,
                    delay=emission.delay,
                )
            )
    return items
