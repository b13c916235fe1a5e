"""The relay: publishes what the outbox's stream shows, and only then deletes it from the outbox.

An item that could not be published stays in the outbox and in the stream, whose reader gets it
again. A crash between publishing and deleting publishes an item twice, under the same id; consumers
take one id for one fact.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from opentelemetry.trace import Span

from trunkline.attempt import Attempt, reason
from trunkline.events.channel import Channel, Channels
from trunkline.events.outbox import OutboxItem, OutboxKey
from trunkline.invocation import Invocation, running
from trunkline.telemetry import metrics, tracing

logger = logging.getLogger(__name__)

FUNCTION = "relay"


class Outbox(Protocol):
    """Where items wait."""

    def waiting(self, keys: Sequence[OutboxKey]) -> frozenset[OutboxKey]:
        """Those that still wait, read consistently."""
        ...

    def delete(self, key: OutboxKey) -> None:
        """Forget a published item."""
        ...


class RelayProgram:
    """Publishes the outbox of one service."""

    def __init__(self, service: str, outbox: Outbox, channels: Channels) -> None:
        self._service = service
        self._outbox = outbox
        self._channels = channels
        self._meter = metrics.Meter(service, FUNCTION)

    def handle(self, event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
        """Publish what a batch of stream records inserted.

        Args:
            event: Lambda's DynamoDB event.
            deadline: when Lambda ends the invocation, on the monotonic clock.

        Returns:
            the records to be delivered again (``ReportBatchItemFailures``).
        """
        from trunkline.aws.items import from_item  # boto3 is imported on first use only

        start = time.perf_counter()
        base = Invocation(self._service, FUNCTION, FUNCTION, deadline)
        with self._meter.invocation(), running(base):
            sequences: dict[OutboxKey, str] = {}
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
                sequences.setdefault(item.key, str(stream.get("SequenceNumber", "")))
                items.append(item)
            failed = self.publish(items)
            if failed:
                metrics.count("batch_failures", len(failed))
            milliseconds = (time.perf_counter() - start) * 1000
            metrics.handled(milliseconds, requests=len(items), faults=len(failed))
        return {
            "batchItemFailures": [
                {"itemIdentifier": sequence} for key, sequence in sequences.items() if key in failed
            ]
        }

    def publish(self, items: Iterable[OutboxItem]) -> frozenset[OutboxKey]:
        """Publish those items that still wait, then delete them.

        Returns:
            those that must be tried again.
        """
        by_key = {item.key: item for item in items}
        if not by_key:
            return frozenset()
        waiting = self._outbox.waiting(tuple(by_key))
        groups: dict[int, tuple[Channel, list[OutboxItem]]] = {}
        for key, item in by_key.items():
            if key in waiting:
                channel = self._channels.of(item)
                groups.setdefault(id(channel), (channel, []))[1].append(item)
        failed: set[OutboxKey] = set()
        for channel, group in groups.values():
            failed |= self._send(channel, group)
        return frozenset(failed)

    def _send(self, channel: Channel, items: Sequence[OutboxItem]) -> set[OutboxKey]:
        spans = {item.key: _span(item) for item in items}
        with Attempt() as attempt:
            reasons = dict(
                channel.send([item.traced(tracing.traceparent(spans[item.key])) for item in items])
            )
        if attempt.error is not None:
            reasons = {item.key: reason(attempt.error) for item in items}
        failed: set[OutboxKey] = set()
        for item in items:
            span = spans[item.key]
            why = reasons.get(item.key) or self._delete(item)
            if why is not None:
                failed.add(item.key)
                tracing.failed(span, why)
                logger.warning("%s %s stays in the outbox: %s", item.kind, item.envelope.id, why)
            span.end()
        return failed

    def _delete(self, item: OutboxItem) -> str | None:
        with Attempt() as attempt:
            self._outbox.delete(item.key)
        return None if attempt.error is None else reason(attempt.error)


def _span(item: OutboxItem) -> Span:
    attributes: dict[str, str | int | bool] = {"messaging.message.id": item.envelope.id}
    if item.envelope.subject is not None:
        attributes["subject"] = item.envelope.subject
    return tracing.open_span(
        f"publish {item.envelope.type}",
        kind="producer",
        parent=tracing.from_traceparent(item.envelope.traceparent),
        attributes=attributes,
    )
