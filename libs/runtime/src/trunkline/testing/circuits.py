"""A store of circuits in memory: the reference for what every such store must do."""

from __future__ import annotations

import threading

from trunkline.clients.circuit import Hold


class MemoryCircuits:
    """Keeps holds in this process, for tests of what is built on a store."""

    def __init__(self) -> None:
        self._holds: dict[str, Hold] = {}
        self._lock = threading.Lock()

    def read(self, name: str) -> Hold | None:
        """The hold, as the last write left it."""
        with self._lock:
            return self._holds.get(name)

    def swap(self, name: str, old: Hold | None, new: Hold | None) -> Hold | None:
        """Replace the hold if it is still the old version."""
        with self._lock:
            if self._holds.get(name) != old:
                return self._holds.get(name)
            if new is None:
                self._holds.pop(name, None)
            else:
                self._holds[name] = new
            return new
