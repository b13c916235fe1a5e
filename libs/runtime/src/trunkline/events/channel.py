"""The seam between the runtime and what carries its messages.

A way out is a :class:`Channel`: the relay hands it items of the outbox, and deletes those that it
has sent. A way in is a :class:`Source`: it finds messages in the event that Lambda was invoked
with, and says in its answer which of them failed. Everything else - one id for each fact, retries,
deduplication, dead letters, traces - is the same for every kind of channel, and knows none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from trunkline.events.outbox import OutboxItem, OutboxKey

THROTTLED: Final = "throttled"
"""Why an item was not sent: the channel was asked to slow down, so it stopped."""
UNREACHABLE: Final = "unreachable"
"""Why an item was not sent: nobody answered, so the channel stopped."""
STOPPED: Final = frozenset({THROTTLED, UNREACHABLE})
"""Reasons that are the channel's, not the item's: the next one would fare no better."""


class Channel(Protocol):
    """A way out: a topic, a queue."""

    def send(self, items: Sequence[OutboxItem]) -> Mapping[OutboxKey, str]:
        """Send what the items carry; stop when asked to slow down, or when nobody answers.

        Returns:
            for each item that was not sent, or not surely, the reason; one of :data:`STOPPED` for
            those that were held back.
        """
        ...


class Channels(Protocol):
    """Finds the channel of an item."""

    def of(self, item: OutboxItem) -> Channel:
        """The channel that an item goes through; items for one place get the same object."""
        ...


@dataclass(frozen=True)
class Delivery:
    """One message as its source brings it."""

    message_id: str
    """Names the message in the source's answer."""
    body: str
    """A CloudEvent in structured JSON."""
    receives: int = 1
    """How often it was delivered, this time included."""
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Attributes beside the body, as SQS's events have them; a dead letter keeps them."""
    receipt_handle: str = ""
    """Names this delivery to the source."""
    group: str | None = None
    """Messages of one group are processed in order: after one has failed, none before it."""


class Source(Protocol):
    """A way in: a queue."""

    def deliveries(self, event: Mapping[str, Any]) -> Sequence[Delivery]:
        """The messages in an event of Lambda, in order.

        Whatever somebody sent is a delivery: nonsense in its body is dealt with later.
        """
        ...

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        """Have a message delivered again after a time; raises if that fails."""
        ...

    def answer(self, failed: Sequence[Delivery]) -> Any:
        """What the function answers so that these are delivered again, and no others."""
        ...


class DeadLetters(Protocol):
    """Where messages go that cannot be processed."""

    def put(self, delivery: Delivery, *, reason: str, error_type: str, function: str) -> None:
        """Keep a message with what is known about its failure; raises if that fails."""
        ...
