"""The way of an API call: route, identify, authorise, validate, once per key, answer."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from trunkline import clock
from trunkline.api.binding import arguments_of, idempotency_key
from trunkline.api.identity import caller_of
from trunkline.api.problems import problem_response
from trunkline.api.request import Request, Response, headers_of
from trunkline.api.routing import Router
from trunkline.attempt import Attempt
from trunkline.contracts.api import IDEMPOTENCY_HEADER
from trunkline.deadlines import sooner
from trunkline.declaration.handlers import ApiHandler
from trunkline.declaration.idempotent import Idempotent
from trunkline.declaration.service import Service
from trunkline.errors import (
    DeadlineExceeded,
    IdempotencyMismatch,
    InternalError,
    InvalidRequest,
    LockLost,
    Problem,
    RequestInProgress,
    Unavailable,
)
from trunkline.idempotency.keys import request_key
from trunkline.idempotency.store import Different, Done, Running, Store
from trunkline.identity import Caller
from trunkline.invocation import Invocation, running
from trunkline.telemetry import correlation, metrics, tracing
from trunkline.types import IdempotencyKey

logger = logging.getLogger(__name__)

FUNCTION = "api"
REPLAYED = "Idempotent-Replayed"
"""Response header: this is the answer to an earlier request with the same key."""
TRACE_ID = "Trace-Id"
"""Response header: the id under which logs and traces tell of this request. It is no
``traceparent``: that names a span, and the caller's next request is not this span's child."""
DEGRADED = "Trunkline-Degraded"
"""Response header: the calls that failed, and whose fallbacks this answer is made of."""


class ApiProgram:
    """Answers the API calls of one service."""

    def __init__(self, service: Service, store: Store) -> None:
        self._service = service
        self._store = store
        self._router = Router(service.api_handlers.values())
        self._meter = metrics.Meter(service.name, FUNCTION)

    def handle(self, event: Mapping[str, Any], deadline: float) -> dict[str, Any]:
        """Answer one call; every error becomes a problem.

        Args:
            event: from API Gateway.
            deadline: when Lambda ends the invocation, on the monotonic clock.
        """
        start = time.perf_counter()
        with self._meter.invocation(), correlation.work():
            with Attempt() as attempt:
                response = self._respond(event, deadline)
            if attempt.error is not None:  # it is no event of API Gateway's
                response = problem_response(_problem(attempt.error), instance="", trace_id=None)
            milliseconds = (time.perf_counter() - start) * 1000
            metrics.handled(milliseconds, faults=int(response.status >= 500))
        return response.event()

    def _respond(self, event: Mapping[str, Any], deadline: float) -> Response:
        headers = headers_of(event)
        caller_gives_up = sooner(deadline, headers, _arrived(event))
        base = Invocation(self._service.name, FUNCTION, FUNCTION, caller_gives_up)
        name = f"{event.get('httpMethod', '')} {event.get('resource') or event.get('path', '')}"
        with (
            running(base),
            tracing.span(name, kind="server", parent=tracing.from_request(event, headers)) as span,
        ):
            with Attempt() as attempt:
                response = self._answer(Request.read(event, headers), base, ends=deadline)
            if attempt.error is not None:
                problem = _problem(attempt.error)
                response = problem_response(
                    problem, instance=str(event.get("path", "")), trace_id=tracing.trace_id()
                )
                if problem.status >= 500:
                    tracing.failed(span, type(attempt.error).__name__)
            span.set_attribute("http.response.status_code", response.status)
            sent = {**response.headers, TRACE_ID: tracing.trace_id() or ""}
            return Response(response.status, response.body, sent)

    def _answer(self, request: Request, base: Invocation, *, ends: float) -> Response:
        if not base.remaining():
            raise DeadlineExceeded("the caller has given up already")
        handler, variables = self._router.find(request)
        metrics.of_handler(handler.name)
        caller = caller_of(request, self._service.exposure)
        tracing.annotate("caller", f"{caller.kind}:{caller.subject}")
        correlation.note("caller", f"{caller.kind}:{caller.subject}")
        handler.allow.admit(caller)
        arguments = arguments_of(handler.operation, request, variables)
        key = idempotency_key(request)
        if handler.idempotent and key is None:
            raise InvalidRequest(
                f"header {IDEMPOTENCY_HEADER} is required",
                errors=[{"field": IDEMPOTENCY_HEADER, "message": "required"}],
            )
        if handler.idempotency is None or key is None:
            return self._run(handler, arguments, caller, key, base, cause=None)
        return self._once(handler, handler.idempotency, arguments, caller, key, base, ends)

    def _once(
        self,
        handler: ApiHandler,
        idempotency: Idempotent,
        arguments: dict[str, Any],
        caller: Caller,
        key: str,
        base: Invocation,
        ends: float,
    ) -> Response:
        record = request_key(handler.operation.name, f"{caller.kind}:{caller.subject}", key)
        payload = idempotency.payload(handler.operation, arguments)
        keep = idempotency.keep
        # Not until the caller gives up: the handler may run on until Lambda ends it.
        outcome = self._store.acquire(
            record,
            payload,
            lock_seconds=max(0.0, ends - clock.monotonic()),
            keep_seconds=keep,
        )
        match outcome:
            case Different():
                raise IdempotencyMismatch()
            case Running():
                raise RequestInProgress(retry_after=max(1.0, outcome.seconds_left))
            case Done():
                metrics.count("dedup_hits")
                stored = json.loads(outcome.result or "{}")
                headers = {**stored["headers"], REPLAYED: "true"}
                return Response(stored["status"], stored["body"], headers)
        with Attempt() as attempt:
            if not base.remaining():  # the lock may have ended too, so somebody else may be at it
                raise DeadlineExceeded("no time was left to begin")
            response = self._run(handler, arguments, caller, key, base, cause=record)
        if attempt.error is not None:
            self._store.release(outcome)
            raise attempt.error
        result = {
            "status": response.status,
            "body": response.body,
            "headers": dict(response.headers),
        }
        self._store.complete(outcome, json.dumps(result), keep_seconds=keep)
        return response

    def _run(
        self,
        handler: ApiHandler,
        arguments: dict[str, Any],
        caller: Caller,
        key: str | None,
        base: Invocation,
        *,
        cause: str | None,
    ) -> Response:
        wanted = {name: arguments[name] for name in handler.arguments if name in arguments}
        for name, kind in handler.injected.items():
            wanted[name] = caller if kind is Caller else IdempotencyKey(key or "")
        ownership = handler.ownership(caller)
        invocation = Invocation(
            base.service, FUNCTION, handler.name, base.deadline, handler.uses, cause, ownership
        )
        with running(invocation), ownership or nullcontext():
            result = handler.call(**wanted)
        operation = handler.operation
        body = "" if operation.status == 204 else operation.result.dump_json(result).decode()
        headers = {"Content-Type": "application/json"}
        if invocation.degraded:
            headers[DEGRADED] = ", ".join(sorted(invocation.degraded))
        return Response(operation.status, body, headers)


def _arrived(event: Mapping[str, Any]) -> object:
    context = event.get("requestContext")
    return context.get("requestTimeEpoch") if isinstance(context, Mapping) else None


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        if error.status >= 500:
            logger.warning("request failed: %s", error, exc_info=error)
        if isinstance(error, Unavailable) and error.retry_after is None:
            error.retry_after = 1
        return error
    logger.error("request failed: %s", error, exc_info=error)
    if isinstance(error, LockLost):
        return RequestInProgress(retry_after=1)
    return InternalError()
