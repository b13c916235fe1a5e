"""Every error of the benchmarks. Each is one clear line for the person at the terminal.

BenchError              exit code 1
├── InputError          exit code 2: the arguments are wrong
├── PeerFailed          a peer's process ended, or its answer is no success
└── TargetsMissed       measured, and more than the targets allow
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["BenchError", "InputError", "PeerFailed", "TargetsMissed"]


class BenchError(Exception):
    """Root of this package's errors; its text is what the person reads."""

    exit_code = 1
    """Exit code of the command that ends with this error."""


class InputError(BenchError):
    """The arguments are wrong."""

    exit_code = 2


class PeerFailed(BenchError):
    """A peer's process ended, or its answer is no success: nothing can be compared."""

    def __init__(self, peer: str, measure: str, reason: str) -> None:
        super().__init__(f"{peer} failed at {measure}: {reason}")
        self.peer = peer
        self.measure = measure
        self.reason = reason


class TargetsMissed(BenchError):
    """Measured, and more than the targets allow."""

    def __init__(self, misses: Sequence[str]) -> None:
        super().__init__("missed: " + "; ".join(misses))
        self.misses = tuple(misses)
        """One line for each target."""
