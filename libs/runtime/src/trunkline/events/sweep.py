"""The sweep: on schedule, publishes what the outbox's stream did not bring.

A stream keeps a record for 24 hours, and its reader gives up a record that fails again and again
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html). The item stays in
the outbox all that time: the table is the truth, the stream is only the quick way to hear of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from trunkline import clock
from trunkline.events.channel import STOPPED
from trunkline.events.outbox import OutboxItem, OutboxKey
from trunkline.telemetry import metrics

logger = logging.getLogger(__name__)

LEFT_BEHIND_AFTER: Final = timedelta(minutes=5)
"""How long an item may wait for the stream before a sweep takes care of it."""
MIN_SECONDS: Final = 3.0
"""With less time left, a sweep ends: the next one goes on."""
CHUNK: Final = 50
"""Items that are published before the time is looked at again."""


class Publisher(Protocol):
    """What publishes items and deletes them."""

    def publish(self, items: Iterable[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Publish items; for each that failed the reason."""
        ...


class Pages(Protocol):
    """Where items wait."""

    def stored_before(self, moment: datetime) -> Iterator[Sequence[OutboxItem]]:
        """The items that were stored before a moment, page by page."""
        ...


@dataclass(frozen=True)
class Swept:
    """What one sweep did."""

    found: int
    """Items that had been left behind, as far as the sweep got."""
    published: int
    left: int
    """Items that it found and could not publish; the next sweep tries again."""

    def facts(self) -> dict[str, Any]:
        """The fields by their names."""
        return asdict(self)


def is_scheduled(event: Mapping[str, Any]) -> bool:
    """Whether an event comes from a rule's schedule.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
    """
    return event.get("source") == "aws.events"


def sweep(publisher: Publisher, outbox: Pages, remaining: Callable[[], float]) -> Swept:
    """Publish what has been waiting too long, the oldest of each page first.

    It ends when everything was tried, the time is used up, or a channel stops. Items that fail for
    a reason of their own hold up no others.

    Args:
        publisher: publishes and deletes.
        outbox: where the items are.
        remaining: seconds until Lambda ends the invocation.
    """
    found = published = 0
    for page in outbox.stored_before(clock.moment() - LEFT_BEHIND_AFTER):
        found += len(page)
        ordered = sorted(page, key=lambda item: (item.envelope.time, item.position))
        for start in range(0, len(ordered), CHUNK):
            if remaining() < MIN_SECONDS:
                return _report(Swept(found, published, found - published))
            chunk = ordered[start : start + CHUNK]
            failed = publisher.publish(chunk)
            published += len(chunk) - len(failed)
            if not STOPPED.isdisjoint(failed.values()):
                return _report(Swept(found, published, found - published))
    return _report(Swept(found, published, found - published))


def _report(swept: Swept) -> Swept:
    if swept.published:
        metrics.count("swept", swept.published)
    level = logging.WARNING if swept.found else logging.INFO
    logger.log(level, "swept the outbox", extra=swept.facts())
    return swept
