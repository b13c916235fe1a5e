"""The outbox: events and tasks, stored in the transaction that makes them true."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trunkline.contracts.message import Message, message_type
from trunkline.errors import InvalidMessage
from trunkline.events.cloudevents import CloudEvent
from trunkline.invocation import current
from trunkline.telemetry.tracing import annotate, traceparent

TABLE = "outbox"
KEY = "event_id"


@dataclass(frozen=True)
class OutboxItem:
    """One event or task that waits to be published."""

    event_id: str
    kind: Literal["event", "task"]
    target: str
    """The publishing service of an event, the accepting one of a task."""
    envelope: CloudEvent
    position: int = 0
    """Its place among what was emitted together."""

    def values(self) -> dict[str, Any]:
        """The item's attributes."""
        return {
            KEY: self.event_id,
            "kind": self.kind,
            "target": self.target,
            "type": self.envelope.type,
            "stored_at": self.envelope.time,
            "position": self.position,
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
        return cls(str(values[KEY]), kind, target, CloudEvent.parse(envelope))


def outbox_items(service: str, messages: Sequence[Message]) -> list[OutboxItem]:
    """What a service stores to emit messages: each with its one id and the trace context."""
    invocation = current()
    items = []
    for position, message in enumerate(messages):
        fact = invocation.fact_id() if invocation else str(uuid.uuid4())
        kind = message_type(message)
        envelope = CloudEvent.of(message, event_id=fact, source=service, traceparent=traceparent())
        if envelope.subject is not None:
            annotate("subject", envelope.subject)
        items.append(OutboxItem(fact, kind.kind, kind.service, envelope, position))
    return items
