"""An API for customers: whoever signed in, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shop_contract import OrderView, PlaceOrder

from trunkline import Api, Caller, Service, command, query
from trunkline.errors import Unavailable
from trunkline.rules import signed_in
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event


class FrontApi(Api, version=1, service="front"):
    """What customers may do."""

    @command("POST", "/orders", status=202)
    def place_order(self, body: PlaceOrder | None = None) -> OrderView:
        """Order something, by default a mug."""

    @query("GET", "/tags")
    def list_tags(self, tag: list[str]) -> list[str]:
        """Repeat the tags."""


service = Service("front", exposure="public", entry="nowhere:service")


@service.implements(FrontApi.place_order, allow=signed_in)
def place_order(caller: Caller, body: PlaceOrder | None) -> OrderView:
    """Say who orders."""
    if caller.claims.get("email") == "late@example.com":
        raise Unavailable("later")
    sku = "mug" if body is None else body.sku
    return OrderView(order_id="1", sku=sku, quantity=1, placed_by=caller.subject)


@service.implements(FrontApi.list_tags, allow=signed_in)
def list_tags(tag: list[str]) -> list[str]:
    """Give back what was sent."""
    return tag


@pytest.fixture
def front() -> Iterator[ServiceHarness]:
    """The service, running."""
    with ServiceHarness(service) as harness:
        yield harness


def test_signed_in_customer_is_the_caller(front: ServiceHarness) -> None:
    """The subject is Cognito's `sub`, the claims are the token's."""
    answer = front.call("POST", "/orders", caller=Caller.customer("sub-1"))
    assert answer.status == 202
    assert answer.json["placed_by"] == "sub-1"
    assert answer.json["sku"] == "mug"


@pytest.mark.parametrize("claims", [None, {}, {"sub": ""}, {"sub": 1}, "sub", {"email": "a@b.c"}])
def test_nobody_without_a_subject(front: ServiceHarness, claims: object) -> None:
    """Claims without a subject are no sign-in."""
    event = api_event("POST", "/orders", caller=None)
    event["requestContext"]["authorizer"] = {"claims": claims}
    assert front.program.api.handle(event, far_away())["statusCode"] == 401


def test_service_is_no_customer(front: ServiceHarness) -> None:
    """A signed request of a service does not open an API for customers."""
    assert front.call("POST", "/orders", caller=Caller.service("front")).status == 401


def test_unavailable_says_when_to_come_back(front: ServiceHarness) -> None:
    """A problem that passes has Retry-After, also when the author did not say how long."""
    caller = Caller.customer("1", email="late@example.com")
    answer = front.call("POST", "/orders", caller=caller)
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"


def test_query_parameter_may_be_repeated(front: ServiceHarness) -> None:
    """A list takes one value or many."""
    assert front.call("GET", "/tags", query={"tag": "a"}).json == ["a"]
    assert front.call("GET", "/tags", query={"tag": ["a", "b"]}).json == ["a", "b"]
