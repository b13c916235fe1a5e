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

_INTERVAL_SECONDS = 0.15
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
    since_ms = int((time.time() - 60) * 1000)
    seen: dict[str, Step] = {}
    beginning: dt.datetime | None = None

    def look() -> None:
        nonlocal beginning
        for span in spans.containing(placed.trace_id, since_ms=since_ms):
            if span.kind not in _STAGES:
                continue
            if beginning is None:
                beginning = span.start
            if span.span_id not in seen:
                seen[span.span_id] = _step(span, beginning)
                on_step(seen[span.span_id])

    def email() -> Email | None:
        look()
        found = [email for email in emails(aws) if email.mentions(placed.order_id)]
        return found[0] if found else None

    message = wait_for(email, timeout=timeout, interval=_INTERVAL_SECONDS)
    if message is None:
        last = list(seen.values())[-1] if seen else None
        reached = (
            f"the last step seen was {last.event} in {last.service}" if last else "no step seen"
        )
        raise JourneyFailed(
            f"order {placed.order_id} brought no e-mail within {timeout:.0f} s: {reached}"
        )

    def final() -> str | None:
        status = str(shop.order(placed.order_id).get("status", "")).upper()
        return status if status in FINAL else None

    status = wait_for(final, timeout=timeout, interval=_INTERVAL_SECONDS)
    if status is None:
        raise JourneyFailed(f"order {placed.order_id} has an e-mail but no final state")
    seconds = time.monotonic() - started
    # The span of the e-mail's own handler is logged after the e-mail is stored.
    wait_for(lambda: _task_seen(look, seen), timeout=3.0, interval=_INTERVAL_SECONDS)
    steps = tuple(sorted(seen.values(), key=lambda step: step.after_ms))
    return Followed(placed.order_id, placed.trace_id, status, message, steps, seconds)


def _task_seen(look: Callable[[], None], seen: dict[str, Step]) -> bool | None:
    before = len(seen)
    look()
    return True if seen and len(seen) == before else None


def _step(span: Span, beginning: dt.datetime) -> Step:
    after = (span.start - beginning).total_seconds() * 1000
    return Step(span.service, span.name, after, span.milliseconds)
