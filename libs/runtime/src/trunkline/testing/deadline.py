"""Deadlines for tests."""

from __future__ import annotations

from trunkline import clock


def far_away(seconds: float = 30.0) -> float:
    """A moment on the monotonic clock, by default one that no test reaches."""
    return clock.monotonic() + seconds
