"""The processes of all functions: one per concurrent invocation, kept warm for the next."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from trunkline_localcloud.errors import NoCapacity
from trunkline_localcloud.functions.definition import FunctionVersion
from trunkline_localcloud.functions.environment import ExecutionEnvironment

__all__ = ["EnvironmentPool"]

_WAIT_SECONDS = 30.0
_IDLE_SECONDS = 600.0
_SURPLUS_IDLE_SECONDS = 60.0


class EnvironmentPool:
    """Keeps processes warm, as AWS keeps execution environments.

    Args:
        limit: Processes per function version. AWS has no such limit; a laptop needs one.
    """

    def __init__(self, *, limit: int = 8) -> None:
        self._limit = limit
        self._idle: dict[str, list[ExecutionEnvironment]] = {}
        self._busy: set[ExecutionEnvironment] = set()
        self._leases: Counter[str] = Counter()
        self._starting: set[str] = set()
        self._changed = threading.Condition()
        self._closed = False

    @contextmanager
    def lease(
        self, function: FunctionVersion, make: Callable[[], ExecutionEnvironment]
    ) -> Iterator[ExecutionEnvironment]:
        """A process of ``function`` for one invocation: a warm one, or what ``make`` makes.

        Processes of one function start one after another: by the time that the first is up it may
        do for those that wait, and a laptop has few cores.

        Raises:
            NoCapacity: all its processes stayed busy, or the cloud stops.
        """
        key = f"{function.function_arn}:{function.version}:{function.fingerprint}"
        self._reap()
        environment = self._take(key)
        try:
            if environment is None:
                environment = self._start(key, make)
            with self._changed:
                self._busy.add(environment)
            yield environment
        finally:
            self._give_back(key, environment)

    def retire(self, function_arn: str, version: str | None = None) -> None:
        """End the idle processes of a function, or of one of its versions.

        Busy ones finish their invocation; a process with an outdated fingerprint is never asked
        again, so it ends once it has been idle for a while.
        """
        prefix = f"{function_arn}:{version}:" if version else f"{function_arn}:"
        with self._changed:
            keys = [key for key in self._idle if key.startswith(prefix)]
            ended = [each for key in keys for each in self._idle.pop(key)]
        _stop(ended)

    def drain(self, timeout: float) -> None:
        """Start nothing more, and wait up to ``timeout`` seconds for what runs to end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._busy, timeout)

    def close(self) -> None:
        """End every process at once and start no more."""
        with self._changed:
            self._closed = True
            ended = [each for found in self._idle.values() for each in found]
            self._idle.clear()
            busy = list(self._busy)
            self._changed.notify_all()
        for environment in (*ended, *busy):
            environment.kill()
        _stop(ended)

    def _start(self, key: str, make: Callable[[], ExecutionEnvironment]) -> ExecutionEnvironment:
        try:
            environment = make()
            environment.start()
        finally:
            with self._changed:
                self._starting.discard(key)
                self._changed.notify_all()
        return environment

    def _take(self, key: str) -> ExecutionEnvironment | None:
        """A warm process, or None when the caller is to start one."""
        deadline = time.monotonic() + _WAIT_SECONDS
        with self._changed:
            while not self._closed:
                idle = self._idle.get(key, [])
                while idle:
                    environment = idle.pop()
                    if environment.usable:
                        self._leases[key] += 1
                        return environment
                    environment.stop()
                if self._leases[key] < self._limit and key not in self._starting:
                    self._leases[key] += 1
                    self._starting.add(key)
                    return None
                if not self._changed.wait(deadline - time.monotonic()):
                    break
            raise NoCapacity(key.rpartition(":")[0])

    def _give_back(self, key: str, environment: ExecutionEnvironment | None) -> None:
        with self._changed:
            self._leases[key] -= 1
            keep = False
            if environment is not None:
                self._busy.discard(environment)
                keep = environment.usable and not self._closed
                if keep:
                    self._idle.setdefault(key, []).append(environment)
            self._changed.notify_all()
        if environment is not None and not keep:
            environment.stop()

    def _reap(self) -> None:
        """End the processes that nobody has needed for a while, the last of a function later."""
        now = time.monotonic()
        ended: list[ExecutionEnvironment] = []
        with self._changed:
            for key, idle in self._idle.items():
                kept: list[ExecutionEnvironment] = []
                for place, each in enumerate(sorted(idle, key=lambda one: -one.last_used)):
                    limit = _SURPLUS_IDLE_SECONDS if place else _IDLE_SECONDS
                    (kept if now - each.last_used < limit else ended).append(each)
                self._idle[key] = kept[::-1]
        _stop(ended)


def _stop(environments: list[ExecutionEnvironment]) -> None:
    for environment in environments:
        environment.stop()
