"""Which failed attempts are made again, and when.

Retries help where failures are few, and hurt where they are many: they multiply the load of a
service that has too much of it already. So they are few (:data:`ATTEMPTS`), spread at random ("full
jitter", https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/), and
paid from a budget that successes fill, as in the standard mode of AWS's SDKs
(https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

from trunkline.errors import (
    BulkheadFull,
    CircuitOpen,
    Problem,
    RequestInProgress,
    TooManyRequests,
    Unavailable,
)

ATTEMPTS = 3
"""How often an operation is asked at most for one call."""
FIRST_PAUSE_SECONDS = 0.05
"""The longest pause after the first attempt; each further one may be twice as long."""
LONGEST_PAUSE = 0.25
"""The share of a call's timeout that a pause may take. A service that asks for more time is not
asked again: whoever waits in a running function pays for it, and has a caller that waits too."""


class RetryBudget:
    """What the calls of one service may spend on retries.

    It starts full and holds ten retries; five successes earn one. So retries are at most a fifth of
    the successful calls, beside the first ten.
    """

    CAPACITY = 50
    COST = 5
    EARNED = 1

    def __init__(self) -> None:
        self._tokens = self.CAPACITY
        self._lock = threading.Lock()

    def earn(self) -> None:
        """A call succeeded."""
        with self._lock:
            self._tokens = min(self.CAPACITY, self._tokens + self.EARNED)

    def spend(self) -> bool:
        """Pay for a retry; whether there was enough for it."""
        with self._lock:
            if self._tokens < self.COST:
                return False
            self._tokens -= self.COST
            return True


def may_pass(problem: Problem) -> bool:
    """Whether the same request may succeed within moments."""
    if isinstance(problem, CircuitOpen | BulkheadFull):
        return False  # nothing was asked, and asking again at once would be answered the same
    return isinstance(problem, RequestInProgress | TooManyRequests | Unavailable)


def pause_after(
    attempt: int,
    problem: Problem,
    *,
    timeout: float,
    chance: Callable[[], float] = random.random,
) -> float | None:
    """Seconds to wait after a failed attempt, never fewer than the called service asked for.

    Args:
        attempt: its number, from 1.
        problem: what it came to.
        timeout: of the whole call, in seconds.
        chance: a number from 0 to below 1, anew each time.

    Returns:
        ``None`` if there shall be no further attempt.
    """
    if attempt >= ATTEMPTS or not may_pass(problem):
        return None
    asked = problem.retry_after or 0.0
    if asked > timeout * LONGEST_PAUSE:
        return None
    return asked + chance() * FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1)
