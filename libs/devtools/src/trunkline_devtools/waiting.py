"""Waiting for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["wait_for"]

T = TypeVar("T")


def wait_for(
    condition: Callable[[], T | None],
    *,
    timeout: float,
    interval: float = 0.1,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> T | None:
    """Ask until the answer is there.

    Args:
        condition: Gives the answer, or None while there is none.
        timeout: Seconds after which to give up; it is asked at least once, and once at the end.
        interval: Seconds between two questions.
        clock: Seconds that pass.
        pause: Waits for some seconds.

    Returns:
        The answer, or None when time ran out.
    """
    deadline = clock() + timeout
    while True:
        late = clock() >= deadline
        answer = condition()
        if answer is not None or late:
            return answer
        pause(interval)
