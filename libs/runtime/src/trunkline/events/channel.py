"""The seam between the runtime and what carries its messages: further kinds are added behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from trunkline.events.outbox import OutboxItem, OutboxKey


class Channel(Protocol):
    """A way out: a topic, a queue; further kinds of channels implement this."""

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Send what the items carry.

        Returns:
            for each item that was not sent, or not surely, the reason.
        """
        ...


class Channels(Protocol):
    """Finds the channel of an item."""

    def of(self, item: OutboxItem) -> Channel:
        """The channel that an item goes through; items for one place get the same object."""
        ...
