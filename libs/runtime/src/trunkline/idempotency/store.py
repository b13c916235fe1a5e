"""What is known of one piece of work: nobody did it, somebody is at it, or it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Lock:
    """The right to do the work; it ends with the invocation that holds it."""

    key: str
    token: str
    """Names this attempt, so that one that comes late cannot overwrite its successor's result."""


@dataclass(frozen=True)
class Done:
    """The work is done."""

    result: str | None


@dataclass(frozen=True)
class Running:
    """Another attempt holds the lock."""

    seconds_left: float
    """Until the lock ends at the latest."""


@dataclass(frozen=True)
class Different:
    """The key belongs to work with another payload."""


class Store(Protocol):
    """Remembers work by its key.

    The states of a key: free -> locked (by one token) -> done; locked -> free when the attempt
    failed or its lock ended; done -> free when the record has expired.
    """

    def acquire(
        self, key: str, payload: str, *, lock_seconds: float, keep_seconds: float
    ) -> Lock | Done | Running | Different:
        """Ask for the right to do the work.

        Args:
            key: names the work.
            payload: a digest; the same key with another one is :class:`Different`.
            lock_seconds: what the attempt may take at most: its invocation's remaining time.
            keep_seconds: how long the record is kept.
        """
        ...

    def complete(self, lock: Lock, result: str | None, *, keep_seconds: float) -> None:
        """Record that the work is done.

        Raises:
            LockLost: another attempt has taken over meanwhile.
        """
        ...

    def release(self, lock: Lock) -> None:
        """Give the right back, so that the next attempt need not wait; harmless if it is lost."""
        ...
