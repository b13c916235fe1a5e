"""Following an order through the services until its e-mail is stored."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

from trunkline_devtools.aws import Aws, Email, SpanReader, emails
from trunkline_devtools.errors import JourneyFailed
from trunkline_devtools.journey.steps import Placed, Shop
from trunkline_devtools.tracing import Span
from trunkline_devtools.waiting import wait_for

__all__ = ["FINAL", "Followed", "Step", "follow"]

FINAL = frozenset({"CONFIRMED", "CANCELLED"})
"""The states that an order ends in."""

_INTERVAL_SECONDS = 0.4
_CLOCK_SKEW_SECONDS = 60
_LAST_SPAN_SECONDS = 3.0
_STAGES = frozenset({"server", "consumer"})
"""Spans at which a service takes over; what it calls from there is in the trace."""


@dataclass(frozen=True)
class Step:
    """One stage of an order's way."""

    service: str
    event: str
    """What happened there: the span's name."""
    after_ms: float
    """Milliseconds from the beginning of the trace to the beginning of the stage."""
    milliseconds: float
    """How long it took."""


@dataclass(frozen=True)
class Followed:
    """An order that has reached its end."""

    order_id: str
    trace_id: str
    status: str
    email: Email
    steps: tuple[Step, ...]
    seconds: float


class _Watch:
    """What has been seen of one trace so far."""

    def __init__(self, spans: SpanReader, trace_id: str, on_step: Callable[[Step], None]) -> None:
        self._spans = spans
        self._trace_id = trace_id
        self._on_step = on_step
        self._since_ms = int((time.time() - _CLOCK_SKEW_SECONDS) * 1000)
        self._beginning: dt.datetime | None = None
        self._steps: dict[str, Step] = {}
        self._error = ""

    def look(self) -> bool:
        """Read the logs; whether there was a new step."""
        before = len(self._steps)
        for span in self._spans.of_trace(self._trace_id, since_ms=self._since_ms):
            if span.error:
                self._error = f"; {span.name} in {span.service}: {span.error}"
            self._beginning = self._beginning or span.start
            if span.kind in _STAGES and span.span_id not in self._steps:
                step = _step(span, self._beginning)
                self._steps[span.span_id] = step
                self._on_step(step)
        return len(self._steps) > before

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in the order in which they happened."""
        return tuple(sorted(self._steps.values(), key=lambda step: step.after_ms))

    def how_far(self) -> str:
        """The last step, and the last error if there was one."""
        if not self._steps:
            return f"no step was seen{self._error}"
        last = self.steps[-1]
        return f"last seen at {last.event} in {last.service}{self._error}"


def follow(
    aws: Aws,
    spans: SpanReader,
    shop: Shop,
    placed: Placed,
    *,
    timeout: float,
    on_step: Callable[[Step], None],
) -> Followed:
    """Wait until the order's e-mail is stored and its state is final; report each step on the way.

    Args:
        aws: The local cloud, which keeps the e-mails.
        spans: Where the steps are read.
        shop: Where the order's state is read.
        placed: The order.
        timeout: Seconds until it counts as lost.
        on_step: Told of each step once, in the order in which they become known.

    Raises:
        JourneyFailed: time ran out; says how far the order came.
    """
    started = time.monotonic()
    watch = _Watch(spans, placed.trace_id, on_step)

    def email() -> Email | None:
        watch.look()
        return next((mail for mail in emails(aws) if mail.mentions(placed.order_id)), None)

    def final() -> str | None:
        status = str(shop.order(placed.order_id).get("status", "")).upper()
        return status if status in FINAL else None

    message = wait_for(email, timeout=timeout, interval=_INTERVAL_SECONDS)
    if message is None:
        raise JourneyFailed(
            f"order {placed.order_id} brought no e-mail within {timeout:.0f} s: {watch.how_far()}"
        )
    status = wait_for(final, timeout=timeout, interval=_INTERVAL_SECONDS)
    if status is None:
        raise JourneyFailed(f"order {placed.order_id} has an e-mail but no final state")
    seconds = time.monotonic() - started
    # A handler's span is logged after its effect: the last one may come after the e-mail.
    wait_for(
        lambda: None if watch.look() else True,
        timeout=_LAST_SPAN_SECONDS,
        interval=_INTERVAL_SECONDS,
    )
    return Followed(placed.order_id, placed.trace_id, status, message, watch.steps, seconds)


def _step(span: Span, beginning: dt.datetime) -> Step:
    after = (span.start - beginning).total_seconds() * 1000
    return Step(span.service, span.name, after, span.milliseconds)
