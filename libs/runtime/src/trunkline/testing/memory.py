"""A store of idempotency records in memory: the reference for what every store must do."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from trunkline.errors import LockLost
from trunkline.idempotency.store import Different, Done, Lock, Running


@dataclass
class _Record:
    token: str
    payload: str
    locked_until: float
    expires_at: float
    done: bool = False
    result: str | None = None


class MemoryStore:
    """Keeps records in this process, for tests of what is built on a store."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._records: dict[str, _Record] = {}
        self._mutex = threading.Lock()

    def acquire(
        self, key: str, payload: str, *, lock_seconds: float, keep_seconds: float
    ) -> Lock | Done | Running | Different:
        """Ask for the right to do the work."""
        with self._mutex:
            now = self._clock()
            found = self._records.get(key)
            if found is not None and now < found.expires_at:
                if found.payload != payload:
                    return Different()
                if found.done:
                    return Done(found.result)
                if now < found.locked_until:
                    return Running(found.locked_until - now)
            token = uuid.uuid4().hex
            self._records[key] = _Record(token, payload, now + lock_seconds, now + keep_seconds)
            return Lock(key, token)

    def complete(self, lock: Lock, result: str | None, *, keep_seconds: float) -> None:
        """Record that the work is done."""
        with self._mutex:
            found = self._records.get(lock.key)
            if found is None or found.token != lock.token:
                raise LockLost(lock.key)
            found.done, found.result = True, result
            found.expires_at = self._clock() + keep_seconds

    def release(self, lock: Lock) -> None:
        """Give the right back."""
        with self._mutex:
            found = self._records.get(lock.key)
            if found is not None and found.token == lock.token and not found.done:
                del self._records[lock.key]
