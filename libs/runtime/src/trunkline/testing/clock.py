"""A clock that a test turns forward."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from trunkline import clock


class MovableClock:
    """The real time, plus what a test has added.

    It keeps running by itself, so that code which waits for a socket or a thread behaves as ever.
    """

    def __init__(self) -> None:
        self._ahead = 0.0

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass at once.

        Raises:
            ValueError: it would go back.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds} seconds")
        self._ahead += seconds

    @contextmanager
    def ticking(self) -> Iterator[MovableClock]:
        """Make this the runtime's clock for the length of a block."""
        before = clock.use(self)
        try:
            yield self
        finally:
            clock.use(before)
