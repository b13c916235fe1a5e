"""The boundary around code that is not ours: whatever it raises becomes a value."""

from __future__ import annotations

from types import TracebackType
from typing import Literal

from trunkline.errors import Problem, TrunklineError


class Attempt:
    """Runs a block and keeps the error it ends with.

    A queue's consumer must judge the error of one message and go on with the next; an API must
    turn it into an answer. ``KeyboardInterrupt`` and ``SystemExit`` pass through.

    ::

        with Attempt() as attempt:
            handler(event)
        if attempt.error is not None: ...
    """

    error: Exception | None = None

    def __enter__(self) -> Attempt:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | Literal[False]:
        if not isinstance(error, Exception):
            return False
        self.error = error
        return True


def retryable(error: Exception) -> bool:
    """Whether the same attempt may succeed later; errors that we do not know may."""
    return error.retryable if isinstance(error, TrunklineError) else True


def reason(error: Exception) -> str:
    """What happened, in one line for people."""
    detail = error.detail or error.title if isinstance(error, Problem) else str(error)
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__
