"""The relay: publishes what the outbox's stream shows, and only then deletes it from the outbox.

An item that could not be published stays in the outbox and in the stream, whose reader gets it
again, until it gives up; then the next sweep finds it (:mod:`trunkline.events.sweep`). A crash
between publishing and deleting publishes an item twice, under the same id; consumers take one id
for one fact.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from opentelemetry.trace import Span

from trunkline.attempt import Attempt, reason
from trunkline.events.channel import Channel, Channels
from trunkline.events.lanes import publish_lanes
from trunkline.events.outbox import OutboxItem, OutboxKey, readable
from trunkline.events.sweep import is_scheduled, sweep
from trunkline.invocation import Invocation, running
from trunkline.lambda_events import mapping, records
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

    def lane(self, lane: str, last: str) -> Sequence[OutboxItem]:
        """The items of a lane from the first up to a place, in order, read consistently."""
        ...

    def stored_before(self, moment: datetime) -> Iterator[Sequence[OutboxItem]]:
        """The items that were stored before a moment, page by page, read consistently."""
        ...


class RelayProgram:
    """Publishes the outbox of one service."""

    def __init__(self, service: str, outbox: Outbox, channels: Channels) -> None:
        self._service = service
        self._outbox = outbox
        self._channels = channels
        self._meter = metrics.Meter(service, FUNCTION)

    def handle(self, event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
        """Publish what a batch of stream records inserted, or, on schedule, what was left behind.

        Args:
            event: Lambda's DynamoDB event, or EventBridge's scheduled one.
            deadline: when Lambda ends the invocation, on the monotonic clock.

        Returns:
            the records to be delivered again (``ReportBatchItemFailures``), or what was swept.
        """
        invocation = Invocation(self._service, FUNCTION, FUNCTION, deadline)
        with self._meter.invocation(), running(invocation):
            if is_scheduled(mapping(event)):
                return sweep(self, self._outbox, invocation.remaining).facts()
            return self._follow(event)

    def _follow(self, event: Mapping[str, Any]) -> dict[str, Any]:
        start = time.perf_counter()
        sequences: dict[OutboxKey, str] = {}
        items: list[OutboxItem] = []
        for record in records(event):
            stream = mapping(record.get("dynamodb") or {})
            if record.get("eventName") != "INSERT" or "NewImage" not in stream:
                continue
            item = readable(stream["NewImage"])
            if item is not None:
                sequences.setdefault(item.key, str(stream.get("SequenceNumber", "")))
                items.append(item)
        with tracing.batch("publish", len(items), kind="producer"):
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

    def publish(self, items: Iterable[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Publish those items that still wait, then delete them.

        Returns:
            for each item that must be tried again the reason.
        """
        by_key: dict[OutboxKey, OutboxItem] = {}
        ordered: dict[OutboxKey, OutboxItem] = {}
        for item in items:
            (ordered if item.ordered else by_key)[item.key] = item
        failed = self._publish_in_order(ordered) if ordered else {}
        if by_key:
            waiting = self._outbox.waiting(tuple(by_key))
            failed |= self._publish([item for key, item in by_key.items() if key in waiting])
        return failed

    def _publish_in_order(self, items: Iterable[OutboxKey]) -> dict[OutboxKey, str]:
        """Publish lanes up to some items; why some of these, or one before them, failed."""
        lanes: dict[str, str] = {}
        wanted = frozenset(items)
        for key in wanted:
            lanes[key.lane] = max(key.place, lanes.get(key.lane, ""))
        failed = publish_lanes(self._outbox, lanes, self._publish)
        return {key: why for key, why in failed.items() if key in wanted}

    def _publish(self, items: Iterable[OutboxItem]) -> dict[OutboxKey, str]:
        groups: dict[int, tuple[Channel, list[OutboxItem]]] = {}
        for item in items:
            channel = self._channels.of(item)
            groups.setdefault(id(channel), (channel, []))[1].append(item)
        failed: dict[OutboxKey, str] = {}
        for channel, group in groups.values():
            failed |= self._send(channel, group)
        return failed

    def _send(self, channel: Channel, items: Sequence[OutboxItem]) -> dict[OutboxKey, str]:
        spans = {item.key: _span(item) for item in items}
        with Attempt() as attempt:
            reasons = dict(
                channel.send([item.traced(*tracing.carried(spans[item.key])) for item in items])
            )
        if attempt.error is not None:
            reasons = {item.key: reason(attempt.error) for item in items}
        failed: dict[OutboxKey, str] = {}
        for item in items:
            span = spans[item.key]
            why = reasons.get(item.key) or self._delete(item)
            if why is not None:
                failed[item.key] = why
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
    parent = tracing.from_traceparent(item.envelope.traceparent, item.envelope.tracestate)
    tracing.link(parent)
    return tracing.open_span(
        f"publish {item.envelope.type}",
        kind="producer",
        parent=parent,
        attributes=attributes,
    )
