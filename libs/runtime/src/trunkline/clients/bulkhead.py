"""A bulkhead: one slow service cannot take all threads of a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from trunkline.errors import BulkheadFull


class Bulkhead:
    """So many calls of one operation may run at once in this process; further ones fail at once."""

    def __init__(self, name: str, places: int) -> None:
        self._name = name
        self._places = places
        self._free = threading.Semaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take one of the places.

        Raises:
            BulkheadFull: there is none.
        """
        if not self._free.acquire(blocking=False):
            raise BulkheadFull(self._name, self._places)
        try:
            yield
        finally:
            self._free.release()
