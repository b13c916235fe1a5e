"""Signed HTTP calls to other services' private APIs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote, urlencode

import urllib3
from pydantic import ValidationError

from trunkline import clock, environment
from trunkline.aws.signing import signed_headers
from trunkline.clients.answers import problem_of
from trunkline.contracts.api import IDEMPOTENCY_HEADER, Operation
from trunkline.deadlines import TIMEOUT_HEADER, timeout_header
from trunkline.errors import CallRefused, DeadlineExceeded, Unavailable
from trunkline.invocation import current
from trunkline.manifest import variables
from trunkline.settings.aws import parameter_value
from trunkline.telemetry import tracing

P = ParamSpec("P")
R = TypeVar("R")

MARGIN_SECONDS = 0.2
"""What the caller keeps for itself: time to answer after its call has timed out."""
MIN_SECONDS = 0.05
DISCOVERY_TTL_SECONDS = 300.0

_pool = urllib3.PoolManager(num_pools=16, maxsize=10, retries=False)
_discovered: dict[str, tuple[str, float]] = {}
_lock = threading.Lock()


def invoke(operation: Operation[P, R], arguments: Mapping[str, Any], *, timeout: float) -> R:
    """Call an operation and wait for its result.

    Args:
        operation: from the other service's contract.
        arguments: by name, as the contract has them.
        timeout: seconds that the other service may take; what is left of the running invocation,
            less :data:`MARGIN_SECONDS`, bounds it too.

    Raises:
        Problem: a subclass says what went wrong; see :class:`trunkline.clients.Call`.
    """
    name = f"call {operation.service}.{operation.name}"
    with tracing.span(name, kind="client") as span:
        _budget(timeout)
        url, headers, body = _request(operation, arguments)
        # From here on the time is the other service's: looking up its address was ours.
        end = clock.monotonic() + _budget(timeout)
        headers["traceparent"] = tracing.traceparent() or ""
        repeatable = operation.kind == "query" or IDEMPOTENCY_HEADER in headers
        answer = _send(operation, url, headers, body, end, repeatable=repeatable)
        span.set_attribute("http.response.status_code", answer.status)
        if not 200 <= answer.status < 300:
            problem = problem_of(answer.status, answer.headers, answer.data)
            if isinstance(problem, CallRefused):
                _forget(operation.service)  # perhaps the API has moved, and this is a stranger's
            raise problem
        try:
            return operation.result.validate_json(answer.data or b"null")
        except ValidationError as error:
            raise CallRefused(f"{operation.service} answered against its contract") from error


def reset() -> None:
    """Forget discovered addresses and open connections."""
    with _lock:
        _discovered.clear()
    _pool.clear()


def _budget(timeout: float) -> float:
    invocation = current()
    if invocation is None:
        return timeout
    left = invocation.remaining() - MARGIN_SECONDS
    if left < MIN_SECONDS:
        raise DeadlineExceeded("no time is left for a call")
    return min(timeout, left)


def _request(
    operation: Operation[..., Any], arguments: Mapping[str, Any]
) -> tuple[str, dict[str, str], bytes]:
    path, body = operation.path, b""
    query: list[tuple[str, str]] = []
    headers = {"Accept": "application/json"}
    for parameter in operation.parameters:
        if parameter.name not in arguments:
            continue
        value = arguments[parameter.name]
        if parameter.location == "body":
            body = parameter.adapter.dump_json(value)
            headers["Content-Type"] = "application/json"
            continue
        plain = parameter.adapter.dump_python(value, mode="json")
        if plain is None:
            continue
        if parameter.location == "path":
            path = path.replace(f"{{{parameter.name}}}", quote(_text(plain), safe=""))
        elif parameter.location == "key":
            headers[IDEMPOTENCY_HEADER] = str(plain)
        else:
            values = plain if isinstance(plain, list) else [plain]
            query.extend((parameter.name, _text(one)) for one in values)
    url = _base_url(operation.service) + path
    return (f"{url}?{urlencode(query, quote_via=quote)}" if query else url), headers, body


def _send(
    operation: Operation[..., Any],
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    end: float,
    *,
    repeatable: bool,
) -> urllib3.BaseHTTPResponse:
    """Send the request; once more if a kept connection turned out dead and repeating is safe."""
    attempts = 2 if repeatable else 1
    while True:
        attempts -= 1
        left = end - clock.monotonic()
        if left < MIN_SECONDS:
            raise Unavailable(f"{operation.service} did not answer in time", retry_after=1)
        waiting = {**headers, TIMEOUT_HEADER: timeout_header(left)}
        signed = signed_headers(operation.method, url, waiting, body)
        try:
            return _pool.request(
                operation.method,
                url,
                body=body or None,
                headers=signed,
                timeout=urllib3.Timeout(total=left),
                redirect=False,
            )
        except urllib3.exceptions.ProtocolError as error:
            if attempts == 0:
                _forget(operation.service)
                raise Unavailable(f"{operation.service} broke off", retry_after=1) from error
        except urllib3.exceptions.HTTPError as error:
            _forget(operation.service)
            raise Unavailable(f"{operation.service} does not answer", retry_after=1) from error


def _base_url(service: str) -> str:
    parameter = environment.required(variables.api(service))
    with _lock:
        found = _discovered.get(parameter)
    if found is not None and clock.monotonic() < found[1]:
        return found[0]
    url = parameter_value(parameter).rstrip("/")
    with _lock:
        _discovered[parameter] = (url, clock.monotonic() + DISCOVERY_TTL_SECONDS)
    return url


def _forget(service: str) -> None:
    parameter = environment.optional(variables.api(service))
    with _lock:
        _discovered.pop(parameter or "", None)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
