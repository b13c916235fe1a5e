"""One signed HTTP request to another service's private API, and its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from trunkline import clock
from trunkline.aws.signing import renew_credentials, signed_headers
from trunkline.clients import discovery
from trunkline.contracts.api import IDEMPOTENCY_HEADER, Operation
from trunkline.deadlines import TIMEOUT_HEADER, timeout_header
from trunkline.errors import DeadlineExceeded, Unavailable

MIN_SECONDS = 0.05
"""With less time nothing is sent."""

_PART_BYTES = 65536
_EXPIRED_TYPE = "ExpiredTokenException"
_EXPIRED_TEXT = b"security token included in the request is expired"

_pool = urllib3.PoolManager(num_pools=16, maxsize=64, retries=False)


@dataclass(frozen=True)
class Request:
    """What is sent for one call, whenever it is sent."""

    service: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    repeatable: bool
    """Whether to send it twice does no harm: a query, or a command with an idempotency key."""


@dataclass(frozen=True)
class Answer:
    """What came back, whatever it is."""

    status: int
    headers: Mapping[str, str]
    """Whatever the case of their names."""
    body: bytes


def request_of(operation: Operation[..., Any], arguments: Mapping[str, Any]) -> Request:
    """The request for a call, addressed.

    Raises:
        EnvironmentIncomplete, Unavailable: there is no address.
    """
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
    url = discovery.base_url(operation.service) + path
    return Request(
        service=operation.service,
        method=operation.method,
        url=f"{url}?{urlencode(query, quote_via=quote)}" if query else url,
        headers=headers,
        body=body,
        repeatable=operation.kind == "query" or IDEMPOTENCY_HEADER in headers,
    )


def send(request: Request, end: float, *, trace: Mapping[str, str]) -> Answer:
    """Send a request and wait for its answer, whatever the answer is.

    A kept connection that turns out dead, as after Lambda has frozen a process, says nothing of the
    service, so the request goes out once more where that does no harm; so does one whose
    credentials have just expired, always, as the gateway has refused it.

    Args:
        request: what to send.
        end: when to give up, on the monotonic clock.
        trace: the headers of the span that the called service continues.

    Raises:
        DeadlineExceeded: there is no time to send it.
        Unavailable: there is no answer.
    """
    pool = _pool.connection_from_url(request.url)
    repeated = expired = False
    while True:
        connections = pool.num_connections
        try:
            answer = _exchange(request, end, trace)
        except urllib3.exceptions.ProtocolError as error:
            kept = pool.num_connections == connections
            if repeated or not kept or not request.repeatable:
                discovery.forget(request.service)
                raise Unavailable(f"{request.service} broke off") from error
            repeated = True
        except urllib3.exceptions.HTTPError as error:
            discovery.forget(request.service)
            raise Unavailable(f"{request.service} does not answer") from error
        else:
            if expired or not _credentials_expired(answer):
                return answer
            expired = True
            renew_credentials()


def reset() -> None:
    """Close all connections and forget all addresses."""
    discovery.reset()
    _pool.clear()


def _exchange(request: Request, end: float, trace: Mapping[str, str]) -> Answer:
    left = end - clock.monotonic()
    if left < MIN_SECONDS:
        raise DeadlineExceeded(f"no time is left to ask {request.service}")
    headers = {
        **request.headers,
        TIMEOUT_HEADER: timeout_header(left),
        **trace,
    }
    response = _pool.request(
        request.method,
        request.url,
        body=request.body or None,
        headers=signed_headers(request.method, request.url, headers, request.body),
        timeout=urllib3.Timeout(total=left),
        redirect=False,
        preload_content=False,
    )
    return Answer(response.status, response.headers, b"".join(_parts(response, end)))


def _parts(response: urllib3.BaseHTTPResponse, end: float) -> Iterator[bytes]:
    """The body as it comes in: urllib3's timeout is that of each part, and the end is that of all.

    Raises:
        urllib3.exceptions.ReadTimeoutError: it does not come to its end in time.
    """
    connection: Any = response.connection
    while part := response.read1(_PART_BYTES):
        yield part
        left = end - clock.monotonic()
        if left <= 0:
            response.close()
            raise urllib3.exceptions.TimeoutError("the answer does not end in time")
        if connection is not None and connection.sock is not None:
            connection.sock.settimeout(left)
    response.release_conn()


def _credentials_expired(answer: Answer) -> bool:
    # The gateway response EXPIRED_TOKEN of
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    return answer.status == 403 and (
        answer.headers.get("x-amzn-errortype", "").startswith(_EXPIRED_TYPE)
        or _EXPIRED_TEXT in answer.body
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
