"""A caller's patience goes along with its call, and bounds the work that is done for it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from depot_contract import DepotApi, Reservation, Stock
from hypothesis import given
from hypothesis import strategies as st
from shop_service import effects, service

from trunkline import Api, IdempotencyKey, Service, command
from trunkline.api.handler import ApiProgram
from trunkline.clients import Call
from trunkline.deadlines import TIMEOUT_HEADER, sooner, timeout_header
from trunkline.invocation import Invocation, current, running
from trunkline.testing import MemoryStore, ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event

KEY = {"Idempotency-Key": "k"}
ORDER = {"sku": "a", "quantity": 2}


class SlowApi(Api, version=1, service="slow"):
    """One operation, whose time is looked at."""

    @command("POST", "/work")
    def work(self, key: IdempotencyKey) -> float:
        """The seconds that are left for it."""


slow = Service("slow", entry="nowhere:slow")


@slow.implements(SlowApi.work, idempotency="Idempotency-Key")
def work() -> float:
    """What the handler, and whatever it calls, sees."""
    invocation = current()
    assert invocation is not None
    return invocation.remaining()


def left(shop: ServiceHarness, seconds: float, **headers: str) -> float:
    """The seconds that a handler has, of a function that Lambda grants so many."""
    program = ApiProgram(slow, MemoryStore(time.time))
    event = api_event("POST", "/work", caller=shop.default_caller(), headers={**KEY, **headers})
    shop.allow_callers("a-caller")
    answer = program.handle(event, far_away(seconds))
    assert answer["statusCode"] == 201, answer["body"]
    return float(answer["body"])


def test_a_handlers_deadline_is_its_callers(shop: ServiceHarness) -> None:
    """The smaller of what Lambda grants and what the caller waits is what a handler has."""
    assert 19 < left(shop, 20) <= 20
    assert 1 < left(shop, 20, **{TIMEOUT_HEADER: "2000"}) <= 2
    assert 19 < left(shop, 20, **{TIMEOUT_HEADER: "60000"}) <= 20


@pytest.mark.parametrize("header", ["", "soon", "-1", "1e3", "1.5", " 7", "٣", "123456789"])
def test_a_malformed_header_is_as_good_as_none(shop: ServiceHarness, header: str) -> None:
    """The request is answered within Lambda's time."""
    assert 19 < left(shop, 20, **{TIMEOUT_HEADER: header}) <= 20


def test_nothing_is_done_for_a_caller_that_has_given_up(shop: ServiceHarness) -> None:
    """A request without time is answered 504 before its handler runs."""
    answer = shop.call("POST", "/orders", ORDER, headers={**KEY, TIMEOUT_HEADER: "0"})
    assert (answer.status, answer.json["title"]) == (504, "Out of time")
    assert effects.done == []
    assert shop.call("POST", "/orders", ORDER, headers=KEY).status == 201


def test_time_that_passed_at_the_gateway_is_the_callers(shop: ServiceHarness) -> None:
    """While a function starts, its caller waits already."""
    shop.allow_callers("a-caller")
    event = api_event(
        "POST",
        "/orders",
        ORDER,
        caller=shop.default_caller(),
        headers={**KEY, TIMEOUT_HEADER: "800"},
    )
    event["requestContext"]["requestTimeEpoch"] = int((time.time() - 1) * 1000)
    assert shop.program.api.handle(event, far_away())["statusCode"] == 504
    assert effects.done == []


def test_a_lock_outlasts_the_callers_patience(shop: ServiceHarness) -> None:
    """A handler may run on after its caller has given up, and no second one starts beside it."""
    locks: list[float] = []

    class Noting(MemoryStore):
        def acquire(self, key: str, payload: str, *, lock_seconds: float, **more: Any) -> Any:
            locks.append(lock_seconds)
            return super().acquire(key, payload, lock_seconds=lock_seconds, **more)

    shop.allow_callers("a-caller")
    headers = {**KEY, TIMEOUT_HEADER: "900"}
    event = api_event("POST", "/orders", ORDER, caller=shop.default_caller(), headers=headers)
    ApiProgram(service, Noting(time.time)).handle(event, far_away(20))
    assert 19 < locks[0] <= 20


def test_a_call_tells_how_long_it_waits(shop: ServiceHarness) -> None:
    """The called service learns the call's timeout, or what is left of the caller's own time."""

    def answer(body: Reservation, idempotency_key: IdempotencyKey) -> Stock:
        return Stock(**body.model_dump())

    neighbour = shop.answers(DepotApi.reserve, answer)
    reserve = Call(DepotApi.reserve, timeout=5)
    body = Reservation(sku="a", pieces=1)
    reserve(body, IdempotencyKey("1"))
    with running(Invocation("shop", "api", "h", far_away(2), reserve.granted())):
        reserve(body, IdempotencyKey("2"))
    told = [int(request["headers"][TIMEOUT_HEADER]) for request in neighbour.requests]
    assert 4000 < told[0] <= 5000
    assert 1000 < told[1] < 2000


def test_the_callees_time_is_what_the_caller_waits(shop: ServiceHarness) -> None:
    """From one service's invocation over HTTP into the next one's."""
    seen: list[float] = []

    def answer(sku: str) -> None:
        invocation = current()
        assert invocation is not None
        seen.append(invocation.remaining())

    shop.answers(DepotApi.cancel, answer)
    Call(DepotApi.cancel, timeout=0.7)("a")
    assert 0 < seen[0] <= 0.7


@given(
    seconds=st.floats(0, 900),
    header=st.none() | st.text(max_size=12) | st.integers(-(10**10), 10**10).map(str),
    arrived=st.none()
    | st.text(max_size=3)
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True),
)
def test_no_header_extends_a_deadline(seconds: float, header: str | None, arrived: object) -> None:
    """Whatever a caller sends, the deadline is Lambda's or an earlier one."""
    headers = {} if header is None else {TIMEOUT_HEADER.lower(): header}
    deadline = time.monotonic() + seconds
    assert sooner(deadline, headers, arrived) <= deadline


@given(st.floats(0.001, 90_000))
def test_what_is_told_is_understood(seconds: float) -> None:
    """A timeout arrives as it was, to the millisecond, and never longer."""
    begin = time.monotonic()
    heard = sooner(begin + 10**6, {TIMEOUT_HEADER.lower(): timeout_header(seconds)})
    assert heard - time.monotonic() <= seconds
    assert heard - begin >= min(seconds, 0.001) - 0.001
