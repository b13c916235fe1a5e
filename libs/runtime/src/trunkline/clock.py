"""What time it is, for everything in the runtime that waits, expires or is cached.

There is one clock in a process, and it is asked at the moment of use. A test puts another in its
place (:func:`use`), so that locks, caches and postponed messages see time pass without anybody
waiting and without a frozen world: sockets, threads and AWS clients keep the real time.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A wall clock and a stopwatch that run at the same speed."""

    def time(self) -> float:
        """Seconds since 1970, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        """Seconds since 1970, in UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()


_active: Clock = SystemClock()


def now() -> float:
    """Seconds since 1970, for what others read too: locks, expiry dates."""
    return _active.time()


def monotonic() -> float:
    """Seconds since some moment, for durations: caches, deadlines."""
    return _active.monotonic()


def moment() -> datetime:
    """The present moment in UTC, for what is stored or told."""
    return datetime.fromtimestamp(_active.time(), UTC)


def use(clock: Clock) -> Clock:
    """Make another clock the process's; returns the one before, so that it can be put back."""
    global _active
    before, _active = _active, clock
    return before
