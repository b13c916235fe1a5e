"""What one Lambda invocation counts and measures.

Any code may count; it costs a dictionary entry, and outside of an invocation nothing::

    from trunkline.telemetry import metrics

    metrics.count("retries")

When the invocation ends, everything is written as one line in CloudWatch's embedded metric format
(:mod:`trunkline.telemetry.emf`): no call to AWS, no thread.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, TypeAlias

from trunkline import environment
from trunkline.manifest import variables
from trunkline.telemetry import emf

Unit: TypeAlias = Literal[
    "Seconds", "Microseconds", "Milliseconds",
    "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
    "Bits", "Kilobits", "Megabits", "Gigabits", "Terabits",
    "Percent", "Count",
    "Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
    "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second",
    "Count/Second", "None",
]  # fmt: skip
"""CloudWatch's units
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html)."""

FIXED: Mapping[str, Unit] = {
    "requests": "Count",
    "faults": "Count",
    "latency": "Milliseconds",
    "retries": "Count",
    "dedup_hits": "Count",
    "batch_failures": "Count",
    "cold_starts": "Count",
}
"""What every handler has without asking. ``requests`` (API calls, messages or outbox items),
``faults`` (those that failed by our own fault) and ``latency`` are always there, the others when
they are not zero."""

_INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"
"""``provisioned-concurrency`` if Lambda started the process before anybody needed it
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html)."""


class MetricSet:
    """What was counted and measured for one handler."""

    __slots__ = ("counts", "values")

    def __init__(self) -> None:
        self.counts: dict[str, float] = {}
        """Sums."""
        self.values: dict[str, tuple[Unit, list[float]]] = {}
        """Single measurements."""


class Measured:
    """What one Lambda invocation has counted and measured so far."""

    __slots__ = ("now", "sets")

    def __init__(self) -> None:
        self.now = MetricSet()
        self.sets: dict[str | None, MetricSet] = {None: self.now}
        """By handler; ``None`` holds what belongs to no single one."""


_running: ContextVar[Measured | None] = ContextVar("trunkline_measured", default=None)


def count(name: str, value: float = 1) -> None:
    """Add to a sum of the running invocation.

    Args:
        name: words in snake case, few and fixed: each name is a metric that CloudWatch charges for.
        value: how many.
    """
    measured = _running.get()
    if measured is not None:
        counts = measured.now.counts
        counts[name] = counts.get(name, 0) + value


def record(name: str, value: float, unit: Unit) -> None:
    """Keep one measurement of the running invocation, so that percentiles are right.

    Args:
        name: as for :func:`count`.
        value: what was measured.
        unit: the same whenever this name is used.
    """
    measured = _running.get()
    if measured is not None:
        known = measured.now.values.get(name)
        if known is None:
            measured.now.values[name] = (unit, [value])
        else:
            known[1].append(value)


def of_handler(name: str | None) -> None:
    """What the running invocation counts from here on belongs to a handler, or to none alone."""
    measured = _running.get()
    if measured is not None:
        found = measured.sets.get(name)
        if found is None:
            found = measured.sets[name] = MetricSet()
        measured.now = found


def handled(milliseconds: float, *, requests: int = 1, faults: int = 0) -> None:
    """Count what has ended, and the time that it took; faults may also be counted earlier."""
    count("requests", requests)
    count("faults", faults)
    record("latency", milliseconds, "Milliseconds")


class Meter:
    """Measures the invocations of one function.

    Args:
        service: the service's name.
        function: the function's name.
    """

    def __init__(self, service: str, function: str) -> None:
        self._service = service
        self._function = function
        self._namespace = emf.namespace(environment.optional(variables.ENVIRONMENT))
        self._cold = os.environ.get(_INITIALIZATION) != "provisioned-concurrency"

    @contextmanager
    def invocation(self) -> Iterator[None]:
        """Collect what is counted inside; at the end it is on standard output."""
        measured = Measured()
        token = _running.set(measured)
        try:
            yield
        finally:
            _running.reset(token)
            self._write(measured)

    @contextmanager
    def request(self) -> Iterator[None]:
        """As :meth:`invocation`, of work that is one request and raises if it fails."""
        start = time.perf_counter()
        with self.invocation():
            faults = 1
            try:
                yield
                faults = 0
            finally:
                handled((time.perf_counter() - start) * 1000, faults=faults)

    def _write(self, measured: Measured) -> None:
        written = {name: held for name, held in measured.sets.items() if held.counts or held.values}
        if not written:
            return
        if self._cold:
            self._cold = False
            next(iter(written.values())).counts["cold_starts"] = 1
        lines: list[str] = []
        for handler, held in written.items():
            dimensions = {"service": self._service, "function": self._function}
            if handler is not None:
                dimensions["handler"] = handler
            lines += emf.lines(self._namespace, dimensions, held.counts, held.values)
        # One write: Lambda makes one log event of each.
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
