"""Deadlines for tests."""

from __future__ import annotations

import time


def far_away(seconds: float = 30.0) -> float:
    """A moment on the monotonic clock, by default one that no test reaches."""
    return time.monotonic() + seconds
