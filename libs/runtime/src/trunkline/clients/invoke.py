"""A call's way: is it worth trying, one attempt after another, and what if all fail."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from opentelemetry.trace import Span
from pydantic import ValidationError

from trunkline import clock
from trunkline.clients import discovery
from trunkline.clients.answers import problem_of
from trunkline.clients.guard import Guard, guard_of
from trunkline.clients.http import MIN_SECONDS, Request, request_of, send
from trunkline.clients.retries import pause_after
from trunkline.contracts.api import Operation
from trunkline.errors import CallRefused, CircuitOpen, DeadlineExceeded, Problem
from trunkline.invocation import current
from trunkline.telemetry import metrics, tracing

if TYPE_CHECKING:
    from trunkline.clients.call import Call

P = ParamSpec("P")
R = TypeVar("R")

MARGIN_SECONDS = 0.2
"""What the caller keeps for itself: time to answer after its call has timed out."""

logger = logging.getLogger(__name__)


def invoke(call: Call[P, R], arguments: Mapping[str, Any]) -> R:
    """Make a call and wait for its result.

    Args:
        call: as it was declared.
        arguments: by name, as the contract has them.

    Raises:
        Problem: a subclass says what went wrong; see :class:`trunkline.clients.Call`.
    """
    operation = call.operation
    guard = guard_of(operation.service, call.name, call.breaker, call.concurrency)
    with tracing.span(f"call {call.name}", kind="client") as span:
        try:
            with guard.bulkhead.place():
                return _persist(call, guard, arguments, span)
        except CircuitOpen:
            metrics.count("circuit_open")
            raise


def degraded(call: Call[P, R], problem: Problem) -> None:
    """Tell everybody that a call's fallback has answered in its place."""
    invocation = current()
    if invocation is not None:
        invocation.degraded.add(call.name)
    tracing.annotate("degraded", call.name)
    metrics.count("degraded")
    logger.warning("a fallback answers: %s", problem, extra={"call": call.name})


def _persist(call: Call[P, R], guard: Guard, arguments: Mapping[str, Any], span: Span) -> R:
    _time_for(call.timeout)
    held = guard.circuit.seconds_left()
    if held > 0:
        raise CircuitOpen(call.name, held)
    request = request_of(call.operation, arguments)
    # From here on the time is the other service's: looking up its address was ours.
    end = clock.monotonic() + _time_for(call.timeout)
    attempt = 1
    while True:
        try:
            with guard.circuit.attempt(end - clock.monotonic()):
                result = _ask(call.operation, request, end, span)
        except Problem as problem:
            pause = pause_after(attempt, problem, timeout=call.timeout)
            if (
                pause is None
                or not request.repeatable
                or clock.monotonic() + pause + MIN_SECONDS > end
                or guard.circuit.seconds_left() > 0
                or not guard.budget.spend()
            ):
                raise
        else:
            guard.budget.earn()
            return result
        metrics.count("retries")
        span.set_attribute("http.request.resend_count", attempt)
        time.sleep(pause)
        attempt += 1


def _ask(operation: Operation[..., R], request: Request, end: float, span: Span) -> R:
    answer = send(request, end, trace=tracing.outgoing_headers())
    span.set_attribute("http.response.status_code", answer.status)
    if not 200 <= answer.status < 300:
        problem = problem_of(answer.status, answer.headers, answer.body)
        if isinstance(problem, CallRefused):
            # Perhaps the API has moved, and this is a stranger's.
            discovery.forget(operation.service)
        raise problem
    try:
        return operation.result.validate_json(answer.body or b"null")
    except ValidationError as error:
        raise CallRefused(f"{operation.service} answered against its contract") from error


def _time_for(timeout: float) -> float:
    invocation = current()
    if invocation is None:
        return timeout
    left = invocation.remaining() - MARGIN_SECONDS
    if left < MIN_SECONDS:
        raise DeadlineExceeded("no time is left for a call")
    return min(timeout, left)
