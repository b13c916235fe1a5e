"""Calls to other services: signed, bounded in time, typed, and degraded when told to."""

from __future__ import annotations

import socket
import threading
import time
import warnings
from collections.abc import Iterator

import pytest
from depot_contract import DepotApi, Reservation, Stock
from shop_service import cancel, get_stock, reserve

from trunkline import IdempotencyKey
from trunkline.aws import clients
from trunkline.clients import Call, http
from trunkline.clients.answers import problem_of
from trunkline.errors import (
    CallRefused,
    Conflict,
    DeadlineExceeded,
    EnvironmentIncomplete,
    Forbidden,
    IdempotencyMismatch,
    NotFound,
    Problem,
    TooManyRequests,
    Unavailable,
    UndeclaredUse,
)
from trunkline.invocation import Invocation, running
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away


def test_arguments_and_results_are_typed_on_both_sides(shop: ServiceHarness) -> None:
    """Path, query, body and key travel as the contract says, and the result comes back typed."""
    asked: list[object] = []

    def answer(sku: str, region: str, shelf: list[int]) -> Stock:
        asked.append((sku, region, shelf))
        return Stock(sku=sku, pieces=3)

    neighbour = shop.answers(DepotApi.get_stock, answer)
    shop.answers(DepotApi.reserve, lambda body, idempotency_key: Stock(**body.model_dump()))
    shop.answers(DepotApi.cancel, lambda sku: None)
    assert get_stock("a/b ü?", "e u", shelf=[1, 2]) == Stock(sku="a/b ü?", pieces=3)
    assert asked == [("a/b ü?", "e u", [1, 2])]
    assert reserve(Reservation(sku="a", pieces=2), IdempotencyKey("k-1")).pieces == 2
    assert neighbour.requests[-1]["headers"]["Idempotency-Key"] == "k-1"
    assert cancel("a") is None


def test_requests_are_signed_with_the_roles_credentials(
    shop: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call carries a SigV4 signature for API Gateway, made from the current credentials."""
    neighbour = shop.answers(DepotApi.cancel, lambda sku: None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "first")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    clients.reset()
    cancel("a")
    header = neighbour.requests[-1]["headers"]["Authorization"]
    assert "Credential=first/" in header
    assert "/eu-central-1/execute-api/aws4_request" in header
    assert neighbour.requests[-1]["headers"]["X-Amz-Security-Token"] == "token"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "renewed")
    clients.reset()
    cancel("a")
    assert "Credential=renewed/" in neighbour.requests[-1]["headers"]["Authorization"]


def test_trace_goes_along(shop: ServiceHarness) -> None:
    """The called service continues the caller's trace, and so does X-Ray on the way."""
    from trunkline.telemetry.tracing import from_traceparent, span

    neighbour = shop.answers(DepotApi.cancel, lambda sku: None)
    trace = "12345678901234567890123456789012"
    with span("test", parent=from_traceparent(f"00-{trace}-{'a' * 16}-01", "rojo=1")):
        cancel("a")
    headers = neighbour.requests[-1]["headers"]
    version, trace_id, span_id, flags = headers["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", trace, "01")
    assert headers["tracestate"] == "rojo=1"
    root = f"Root=1-{trace[:8]}-{trace[8:]}"
    assert headers["X-Amzn-Trace-Id"] == f"{root};Parent={span_id};Sampled=1"
    # API Gateway rewrites this one, which must not break the signature.
    assert "x-amzn-trace-id" not in headers["Authorization"]
    assert "traceparent" in headers["Authorization"]


def test_called_services_problems_are_passed_on(shop: ServiceHarness) -> None:
    """What the other service says of its own things arrives as the same error."""

    def refuse(sku: str) -> None:
        raise {"a": NotFound("no a"), "b": Conflict("b changed", retry_after=3)}[sku]

    shop.answers(DepotApi.cancel, refuse)
    with pytest.raises(NotFound, match="no a"):
        cancel("a")
    with pytest.raises(Conflict) as caught:
        cancel("b")
    assert caught.value.retry_after == 3
    assert caught.value.retryable


def test_refused_request_is_a_fault_of_ours(shop: ServiceHarness) -> None:
    """When the other service refuses our request, our caller learns 502, not 403 or 400."""

    def refuse(sku: str) -> None:
        raise Forbidden("not you")

    shop.answers(DepotApi.cancel, refuse)
    with pytest.raises(CallRefused, match="answered 403: not you"):
        cancel("a")


def test_answer_against_the_contract_is_refused(shop: ServiceHarness) -> None:
    """A result that does not fit its type is not passed on as if it did."""
    broken = Stock.model_construct(sku="a", pieces="lots")
    shop.answers(DepotApi.reserve, lambda body, idempotency_key: broken)
    with (
        warnings.catch_warnings(action="ignore", category=UserWarning),  # pydantic's, of the server
        pytest.raises(CallRefused, match="contract"),
    ):
        reserve(Reservation(sku="a", pieces=2), IdempotencyKey("k"))


def test_fallback_answers_when_the_other_is_down(shop: ServiceHarness) -> None:
    """A declared fallback degrades instead of failing, for want of an answer only."""
    shop.unreachable("depot")
    assert get_stock("a") == Stock(sku="a", pieces=0)
    with pytest.raises(Unavailable) as caught:
        cancel("a")
    assert caught.value.retryable

    def missing(sku: str, region: str, shelf: list[int]) -> Stock:
        raise NotFound("none")

    shop.answers(DepotApi.get_stock, missing)
    with pytest.raises(NotFound):
        get_stock("a")


@pytest.fixture
def silent(shop: ServiceHarness) -> Iterator[ServiceHarness]:
    """A neighbour that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        shop._announce("depot", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield shop


def test_call_ends_with_its_timeout(silent: ServiceHarness) -> None:
    """A call waits no longer than it was told to."""
    call = Call(DepotApi.cancel, timeout=0.2)
    begin = time.monotonic()
    with pytest.raises(Unavailable):
        call("a")
    assert time.monotonic() - begin < 1


def test_call_leaves_its_caller_time_to_answer(silent: ServiceHarness) -> None:
    """The running invocation's remaining time bounds the call, whatever its timeout."""
    call = Call(DepotApi.cancel, timeout=30)
    begin = time.monotonic()
    invocation = Invocation("shop", "api", "h", far_away(0.6), call.granted())
    with running(invocation), pytest.raises(Unavailable):
        call("a")
    assert invocation.remaining() > 0
    assert time.monotonic() - begin < 0.6


def test_call_is_not_begun_without_time(silent: ServiceHarness) -> None:
    """With no time left nothing is sent."""
    call = Call(DepotApi.cancel, timeout=30)
    invocation = Invocation("shop", "api", "h", far_away(0.1), call.granted())
    with running(invocation), pytest.raises(DeadlineExceeded):
        call("a")


def test_undeclared_call_is_stopped(shop: ServiceHarness) -> None:
    """A handler cannot make a call that its `uses` does not name."""
    with (
        running(Invocation("shop", "api", "h", far_away())),
        pytest.raises(UndeclaredUse, match="call depot cancel"),
    ):
        cancel("a")


def test_unknown_address_is_named(shop: ServiceHarness) -> None:
    """Without the platform's variable, or its parameter, the error says which is missing."""
    with pytest.raises(EnvironmentIncomplete, match="TRUNKLINE_API_DEPOT"):
        cancel("a")
    shop.unreachable("depot")
    clients.client("ssm").delete_parameter(Name="/trunkline/test/services/depot/api-url")
    http.reset()
    with pytest.raises(Unavailable, match="parameter"):
        cancel("a")


def closing_server(closes: int) -> tuple[str, list[bytes], threading.Thread]:
    """A server that drops the first connections after reading, then answers 204."""
    server = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve() -> None:
        for number in range(closes + 1):
            connection, _ = server.accept()
            with connection:
                seen.append(connection.recv(65536))
                if number == closes:
                    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    connection.sendall(answer)
        server.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"http://127.0.0.1:{server.getsockname()[1]}", seen, thread


def test_broken_connection_is_tried_again_only_where_that_is_safe(shop: ServiceHarness) -> None:
    """A dropped connection is repeated for queries and keyed commands, never for others."""
    url, seen, thread = closing_server(1)
    shop._announce("depot", url)
    with pytest.raises(Unavailable, match="broke off"):
        cancel("a")
    assert len(seen) == 1
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as rest:
        rest.sendall(b"x")
        thread.join()
    url, seen, thread = closing_server(1)
    shop._announce("depot", url)
    with pytest.raises(CallRefused, match="contract"):
        reserve(Reservation(sku="a", pieces=1), IdempotencyKey("k"))
    thread.join()
    assert len(seen) == 2


def test_connections_are_kept(shop: ServiceHarness) -> None:
    """A second call uses the first one's connection."""
    shop.answers(DepotApi.cancel, lambda sku: None)
    for _ in range(3):
        cancel("a")
    pools = [http._pool.pools[key] for key in http._pool.pools.keys()]  # noqa: SIM118
    assert [pool.num_connections for pool in pools] == [1]


@pytest.mark.parametrize(
    ("status", "body", "expected", "after"),
    [
        (429, b"", TooManyRequests, None),
        (500, b"{}", Unavailable, None),
        (502, b'"text"', Unavailable, None),
        (503, b"", Unavailable, 7),
        (504, b"<html>", Unavailable, None),
        (403, b'{"message":"Forbidden"}', CallRefused, None),
        (404, b'{"message":"Missing Authentication Token"}', CallRefused, None),
        (400, b"{}", CallRefused, None),
        (301, b"", CallRefused, None),
        (422, b'{"type":"urn:trunkline:problem:idempotency-mismatch"}', IdempotencyMismatch, None),
        (500, b'{"type":"urn:trunkline:problem:not-found"}', Unavailable, None),
    ],
)
def test_answers_become_errors(
    status: int, body: bytes, expected: type[Problem], after: float | None
) -> None:
    """A status alone says whose fault it is; only our own problem types are trusted for more."""
    headers = {"Retry-After": "7"} if status == 503 else {}
    problem = problem_of(status, headers, body)
    assert type(problem) is expected
    assert problem.retry_after == after
