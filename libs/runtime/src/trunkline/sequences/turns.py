"""How far a subscription has come with one aggregate, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from trunkline.idempotency.store import Running


@dataclass(frozen=True)
class Turn:
    """The right to process one message about an aggregate; it ends with its invocation."""

    key: str
    sequence: str
    token: str
    """Names this attempt, so that one that comes late cannot overwrite its successor's."""


@dataclass(frozen=True)
class Stale:
    """The message tells nothing new: it was processed, or a newer one was begun."""

    last: str
    """The sequence of the newest message that was begun; its own for a duplicate."""


class Sequences(Protocol):
    """Remembers the newest sequence of every key.

    One attempt at a time has the turn, and what counts is that a message was begun, not that it was
    processed to its end: an attempt that failed, or died, may have had its effect, which an older
    message must not overwrite. The newer one itself comes back and is processed.
    A key is remembered for at least as long as messages may come back.
    """

    def begin(self, key: str, sequence: str, *, lock_seconds: float) -> Turn | Stale | Running:
        """Ask for the turn.

        Args:
            key: names the subscription and the aggregate.
            sequence: of the message; sequences compare as strings.
            lock_seconds: what the attempt may take at most: its invocation's remaining time.
        """
        ...

    def finish(self, turn: Turn) -> None:
        """Record that the message was processed.

        Raises:
            LockLost: another attempt has taken over meanwhile.
        """
        ...

    def abandon(self, turn: Turn) -> None:
        """Give the turn back, so that the next need not wait; harmless if it is lost."""
        ...
