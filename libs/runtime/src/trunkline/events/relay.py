"""The relay: publishes what the outbox's stream shows, and only then deletes it from the outbox.

An item that could not be published stays in the outbox and in the stream, whose reader gets it
again. A crash between publishing and deleting publishes an item twice, under the same id; consumers
take one id for one fact.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from opentelemetry.trace import Span

from trunkline.attempt import Attempt, reason
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.outbox import OutboxItem
from trunkline.invocation import Invocation, running
from trunkline.telemetry import tracing

logger = logging.getLogger(__name__)

FUNCTION = "relay"


class Outbox(Protocol):
    """Where items wait."""

    def waiting(self, event_ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids that still wait, read consistently."""
        ...

    def delete(self, event_id: str) -> None:
        """Forget a published item."""
        ...


class Channel(Protocol):
    """A way out for envelopes: a topic, a queue; further kinds of channels implement this."""

    def send(self, envelopes: Sequence[CloudEvent]) -> Mapping[str, str]:
        """Send envelopes.

        Returns:
            for each envelope that was not sent, by its id, the reason.
        """
        ...


class Channels(Protocol):
    """Finds the channel of an item."""

    def of(self, item: OutboxItem) -> Channel:
        """The channel that an item goes through; items for one place get the same object."""
        ...


class RelayProgram:
    """Publishes the outbox of one service."""

    def __init__(self, service: str, outbox: Outbox, channels: Channels) -> None:
        self._service = service
        self._outbox = outbox
        self._channels = channels

    def handle(self, event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
        """Publish what a batch of stream records inserted.

        Args:
            event: Lambda's DynamoDB event.
            deadline: when Lambda ends the invocation, on the monotonic clock.

        Returns:
            the records to be delivered again (``ReportBatchItemFailures``).
        """
        from trunkline.aws.items import from_item  # boto3 is imported on first use only

        with running(Invocation(self._service, FUNCTION, FUNCTION, deadline)):
            sequences: dict[str, str] = {}
            items: list[OutboxItem] = []
            for record in event.get("Records") or ():
                stream = record.get("dynamodb") or {}
                if record.get("eventName") != "INSERT" or "NewImage" not in stream:
                    continue
                with Attempt() as reading:
                    item = OutboxItem.read(from_item(stream["NewImage"]))
                if reading.error is not None:
                    # It stays in the table for people to look at, and must not hold up the rest.
                    logger.error("unreadable outbox item: %s", reason(reading.error))
                    continue
                sequences.setdefault(item.event_id, str(stream.get("SequenceNumber", "")))
                items.append(item)
            failed = self.publish(items)
        return {
            "batchItemFailures": [
                {"itemIdentifier": sequence}
                for event_id, sequence in sequences.items()
                if event_id in failed
            ]
        }

    def publish(self, items: Iterable[OutboxItem]) -> frozenset[str]:
        """Publish those items that still wait, then delete them.

        Returns:
            the ids of those that must be tried again.
        """
        by_id = {item.event_id: item for item in items}
        if not by_id:
            return frozenset()
        waiting = self._outbox.waiting(tuple(by_id))
        groups: dict[int, tuple[Channel, list[OutboxItem]]] = {}
        for event_id, item in by_id.items():
            if event_id in waiting:
                channel = self._channels.of(item)
                groups.setdefault(id(channel), (channel, []))[1].append(item)
        failed: set[str] = set()
        for channel, group in groups.values():
            failed |= self._send(channel, group)
        return frozenset(failed)

    def _send(self, channel: Channel, items: Sequence[OutboxItem]) -> set[str]:
        spans = {item.event_id: _span(item) for item in items}
        envelopes = [
            item.envelope.traced(tracing.traceparent(spans[item.event_id])) for item in items
        ]
        with Attempt() as attempt:
            reasons = dict(channel.send(envelopes))
        if attempt.error is not None:
            reasons = {item.event_id: reason(attempt.error) for item in items}
        failed: set[str] = set()
        for item in items:
            span = spans[item.event_id]
            why = reasons.get(item.event_id) or self._delete(item)
            if why is not None:
                failed.add(item.event_id)
                tracing.failed(span, why)
                logger.warning("%s %s stays in the outbox: %s", item.kind, item.event_id, why)
            span.end()
        return failed

    def _delete(self, item: OutboxItem) -> str | None:
        with Attempt() as attempt:
            self._outbox.delete(item.event_id)
        return None if attempt.error is None else reason(attempt.error)


def _span(item: OutboxItem) -> Span:
    attributes: dict[str, str | int | bool] = {"messaging.message.id": item.event_id}
    if item.envelope.subject is not None:
        attributes["subject"] = item.envelope.subject
    return tracing.open_span(
        f"publish {item.envelope.type}",
        kind="producer",
        parent=tracing.from_traceparent(item.envelope.traceparent),
        attributes=attributes,
    )
