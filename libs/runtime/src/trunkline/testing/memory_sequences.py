"""Sequences in memory: the reference for what every store of them must do."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from trunkline.errors import LockLost
from trunkline.idempotency.store import Running
from trunkline.sequences.turns import Stale, Turn


@dataclass
class _Record:
    last: str = ""
    done: bool = False
    token: str = ""
    locked_until: float = 0.0


class MemorySequences:
    """Keeps sequences in this process, for tests of what is built on them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._mutex = threading.Lock()

    def begin(self, key: str, sequence: str, *, lock_seconds: float) -> Turn | Stale | Running:
        """Ask for the turn."""
        with self._mutex:
            record, now = self._records.setdefault(key, _Record()), self._clock()
            if record.last > sequence or (record.last == sequence and record.done):
                return Stale(record.last)
            if now < record.locked_until:
                return Running(record.locked_until - now)
            record.last, record.done = sequence, False
            record.token, record.locked_until = uuid.uuid4().hex, now + lock_seconds
            return Turn(key, sequence, record.token)

    def finish(self, turn: Turn) -> None:
        """Record that the message was processed."""
        with self._mutex:
            record = self._records[turn.key]
            if record.token != turn.token:
                raise LockLost(turn.key)
            record.done, record.locked_until = True, 0.0

    def abandon(self, turn: Turn) -> None:
        """Give the turn back."""
        with self._mutex:
            record = self._records[turn.key]
            if record.token == turn.token:
                record.locked_until = 0.0
