"""A process may die before or after any of its requests to AWS: an order is taken once."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from orders.service import orders, service
from orders_contract import OrderPlaced, OrderStatusChanged
from trunkline import Caller
from trunkline.api.handler import ApiProgram
from trunkline.aws import clients
from trunkline.aws.transport import Answer
from trunkline.idempotency.aws import DynamoStore
from trunkline.testing import ServiceHarness
from trunkline.testing.aws import MotoTransport
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event

BODY = {
    "customer": "ann",
    "email": "ann@example.com",
    "sku": "mug",
    "quantity": 2,
    "card_token": "tok_visa",
}


class Killed(BaseException):
    """The end of a process: no code of ours sees it."""


class DyingProcess(MotoTransport):
    """Dies before or after its n-th request to DynamoDB."""

    def __init__(self, moment: str, number: int) -> None:
        self.moment = moment
        self.left = number
        self.died = False

    def __enter__(self) -> DyingProcess:
        self.others = clients.use(clients.Clients(self))
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        clients.use(self.others)
        self.died = isinstance(error, Killed)
        return self.died

    def send(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Ask moto, or die."""
        self._count("before")
        answer = super().send(url, headers, body)
        self._count("after")
        return answer

    def _count(self, moment: str) -> None:
        if moment != self.moment:
            return
        if self.left == 0:
            raise Killed
        self.left -= 1


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_order_is_taken_once_whenever_the_process_dies(moment: str) -> None:
    """One order and one of each event, and every answer tells of the same order."""
    for number in itertools.count():
        with ServiceHarness(service) as harness:
            harness.allow_callers("storefront")
            clock = Clock()
            program = ApiProgram(service, DynamoStore(clock=clock))
            event = api_event(
                "POST",
                "/orders",
                BODY,
                caller=Caller.service("storefront"),
                headers={"Idempotency-Key": "key-1"},
            )
            with DyingProcess(moment, number) as process:
                program.handle(event, far_away(10))
            blocked = program.handle(event, far_away(10))
            if blocked["statusCode"] == 409:
                assert 9 <= int(blocked["headers"]["Retry-After"]) <= 10
                clock.now += int(blocked["headers"]["Retry-After"])
            answers: list[dict[str, Any]] = [program.handle(event, far_away(10)) for _ in range(2)]
            assert [201, 201] == [answer["statusCode"] for answer in answers]
            assert answers[0]["body"] == answers[1]["body"]
            placed, changed = harness.emitted()
            assert isinstance(placed, OrderPlaced)
            assert isinstance(changed, OrderStatusChanged)
            assert orders.get(placed.order_id) is not None
            assert placed.order_id in answers[0]["body"]
        if not process.died:
            break
    assert number >= 4, "lock, look, store, remember"
