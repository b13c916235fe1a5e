"""Lanes: items of the outbox that must be published one after the other.

Every ordered event of one record lies in one lane, a partition of the table, sorted by its
sequence. A stream's record, or a sweep, only says that there is something in a lane: what is
published is always the first that still waits there, and the next one only when that is published
and deleted. So it does not matter which of several relays is told, how often and in which order:
no event overtakes another that was not yet published.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from trunkline.events.channel import STOPPED
from trunkline.events.outbox import OutboxItem, OutboxKey

BEHIND: Final = "behind one that could not be published"


class Lanes(Protocol):
    """Where ordered items wait."""

    def lane(self, lane: str, last: str) -> Sequence[OutboxItem]:
        """The items of a lane from the first up to a place, in order, read consistently."""
        ...


def publish_lanes(
    outbox: Lanes,
    lanes: Mapping[str, str],
    publish: Callable[[Sequence[OutboxItem]], Mapping[OutboxKey, str]],
) -> dict[OutboxKey, str]:
    """Publish lanes side by side, each in its order.

    The first items of all lanes go out together, then the second ones; a lane ends with its first
    failure.

    Args:
        outbox: where the items wait.
        lanes: the places up to which lanes are to be published, by lane.
        publish: publishes and deletes items of different lanes; for each that failed the reason.

    Returns:
        for each item that must be tried again the reason.
    """
    failed: dict[OutboxKey, str] = {}
    waiting = {lane: deque(outbox.lane(lane, last)) for lane, last in lanes.items()}
    while waiting := {lane: items for lane, items in waiting.items() if items}:
        reasons = publish([items[0] for items in waiting.values()])
        for items in waiting.values():
            why = reasons.get(items.popleft().key)
            if why is not None:
                failed |= dict.fromkeys((item.key for item in items), _behind(why))
                items.clear()
        failed |= reasons
    return failed


def _behind(why: str) -> str:
    return why if why in STOPPED else BEHIND
