"""A circuit: lets attempts through, holds them back, or lets one through to probe.

While calls are held back there is a :class:`Hold`: a version and a number of seconds. Whoever has
looked at the same version for that long may replace it by a hold of its own, and is then the
probe; its hold lasts longer than the attempt can. The probe's success removes the hold, its
failure replaces it by the next one. So an open circuit and a probe that crashed are the same
thing: something that ends when nobody has changed it in time. Only the rate of one process's own
clock matters; a clock that is wrong, or jumps, lets no second probe through. DynamoDB's lock client
tells the end of a lease in this way
(https://aws.amazon.com/blogs/database/building-distributed-locks-with-the-dynamodb-lock-client/).

With a :class:`CircuitStore` the processes of a service share the hold, and replacing it is a
conditional write, so that of several only one is the probe. What attempts came to is counted in
each process for itself: while all is well, nothing is written.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from trunkline import clock
from trunkline.attempt import Attempt
from trunkline.clients.breaker import Breaker
from trunkline.errors import CircuitOpen, DeadlineExceeded, Problem, TooManyRequests, Unavailable

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often a process looks at the shared hold: so much later it learns what others found out."""
PROBE_MARGIN_SECONDS = 2.0
"""How much longer than its attempt a probe's hold lasts."""


@dataclass(frozen=True)
class Hold:
    """Calls are held back until somebody has looked at this version for so many seconds."""

    version: str
    seconds: float


class CircuitStore(Protocol):
    """Where the processes of a service keep the hold of each circuit."""

    def read(self, name: str) -> Hold | None:
        """The hold, as the last write left it; ``None`` if calls are not held back."""
        ...

    def swap(self, name: str, old: Hold | None, new: Hold | None) -> Hold | None:
        """Replace the hold if it is still the old version.

        Returns:
            what is there now: the new one, or that of somebody who was faster.
        """
        ...


@dataclass(frozen=True)
class Permit:
    """The right to make one attempt."""

    era: int
    """What it came to counts only while the circuit is as it was when the attempt began."""
    probe: Hold | None


class Circuit:
    """The circuit of one operation in one process."""

    def __init__(
        self,
        name: str,
        rule: Breaker,
        *,
        store: CircuitStore | None = None,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        self.name = name
        self._rule = rule
        self._store = store
        self._now = now
        self._window = _Window(rule.window)
        self._hold: Hold | None = None
        self._seen = 0.0
        self._era = 0
        self._looked: float | None = None
        self._state = threading.Lock()
        self._changing = threading.Lock()

    @contextmanager
    def attempt(self, seconds: float) -> Iterator[None]:
        """Make an attempt, and learn from what it comes to.

        Args:
            seconds: what it takes at most.

        Raises:
            CircuitOpen: it may not be made now.
        """
        permit = self.admit(seconds)
        well: bool | None = None  # our own errors say nothing of the called service
        try:
            yield
            well = True
        except DeadlineExceeded:
            raise
        except Problem as problem:
            well = not isinstance(problem, Unavailable | TooManyRequests)
            raise
        finally:
            self.settle(permit, well)

    def seconds_left(self) -> float:
        """How long calls are held back from now on, for all that this process knows."""
        self._look()
        with self._state:
            return self._left()

    def admit(self, seconds: float) -> Permit:
        """Ask for the right to make an attempt; :meth:`settle` must follow.

        Args:
            seconds: what it takes at most.

        Raises:
            CircuitOpen: it may not be made now.
        """
        self._look()
        with self._state:
            left, found = self._left(), self._hold
            if left > 0:
                raise CircuitOpen(self.name, left)
            if found is None:
                return Permit(self._era, None)
        probe = Hold(uuid.uuid4().hex, seconds + PROBE_MARGIN_SECONDS)
        if not self._change(found, probe):
            raise CircuitOpen(self.name, self.seconds_left())
        return Permit(self._era, probe)

    def settle(self, permit: Permit, well: bool | None) -> None:
        """Say what an attempt came to.

        Args:
            permit: which attempt.
            well: whether the called service was well; ``None`` if the attempt does not tell.
        """
        if permit.probe is not None:
            seconds = 0.0 if well is None else self._rule.pause
            self._change(permit.probe, None if well else Hold(uuid.uuid4().hex, seconds))
            return
        if well is None:
            return
        with self._state:
            if permit.era != self._era:
                return
            now = self._now()
            self._window.add(now, failed=not well)
            failed, total = self._window.counts(now)
        enough = total >= self._rule.minimum and failed >= self._rule.failure_rate * total
        if enough and not well:
            opened = self._change(None, Hold(uuid.uuid4().hex, self._rule.pause))
            if opened:
                logger.warning(
                    "circuit opens: %d of %d attempts failed",
                    failed,
                    total,
                    extra={"circuit": self.name},
                )

    def _left(self) -> float:
        if self._hold is None:
            return 0.0
        return max(0.0, self._seen + self._hold.seconds - self._now())

    def _adopt(self, hold: Hold | None) -> None:
        if hold == self._hold:
            return
        self._hold = hold
        self._seen = self._now()
        self._era += 1
        self._window.clear()

    def _change(self, old: Hold | None, new: Hold | None) -> bool:
        """Replace the hold, here and for all others, unless somebody was faster."""
        with self._changing:  # reads wait meanwhile, or they would undo what is being written
            with self._state:
                if self._hold != old:
                    return False
                self._adopt(new)
            if self._store is None:
                return True
            with Attempt() as attempt:
                found = self._store.swap(self.name, old, new)
                with self._state:
                    self._adopt(found)
                return found == new
            logger.warning(
                "a circuit's table cannot be written; this process decides for itself",
                extra={"circuit": self.name},
                exc_info=attempt.error,
            )
            return True

    def _look(self) -> None:
        """Learn what others found out, now and then."""
        if self._store is None or not self._changing.acquire(blocking=False):
            return
        try:
            with self._state:
                now = self._now()
                if self._looked is not None and now < self._looked + LOOK_SECONDS:
                    return
                self._looked = now
            with Attempt() as attempt:
                found = self._store.read(self.name)
                with self._state:
                    self._adopt(found)
            if attempt.error is not None:
                logger.warning(
                    "a circuit's table cannot be read; this process decides for itself",
                    extra={"circuit": self.name},
                    exc_info=attempt.error,
                )
        finally:
            self._changing.release()


class _Window:
    """How many of the attempts of the last seconds failed, in slices of a tenth of them."""

    SLICES = 10

    def __init__(self, seconds: float) -> None:
        self._slice = seconds / self.SLICES
        self._counts: deque[tuple[int, int, int]] = deque()
        """For each slice its number, attempts that failed, all attempts."""

    def add(self, now: float, *, failed: bool) -> None:
        number = int(now / self._slice)
        before = (number, 0, 0)
        if self._counts and self._counts[-1][0] == number:
            before = self._counts.pop()
        self._counts.append((number, before[1] + failed, before[2] + 1))

    def counts(self, now: float) -> tuple[int, int]:
        oldest = int(now / self._slice) - self.SLICES
        while self._counts and self._counts[0][0] <= oldest:
            self._counts.popleft()
        return sum(c[1] for c in self._counts), sum(c[2] for c in self._counts)

    def clear(self) -> None:
        self._counts.clear()
