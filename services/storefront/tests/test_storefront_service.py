"""The handlers of the storefront, on an AWS in memory and with a stand-in for orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders_contract import (
    OrderPage,
    OrdersApi,
    OrderStatus,
    OrderStatusChanged,
    OrderView,
    PlaceOrder,
)
from storefront.service import place_order, receipts
from storefront_contract import PlaceOrder as StorefrontOrder
from trunkline import Caller, IdempotencyKey, Money
from trunkline.errors import InternalError, NotFound, Unavailable
from trunkline.testing import Answer, ServiceHarness

ANN = Caller.customer("ann", email="ann@example.com")
BOB = Caller.customer("bob", email="bob@example.com")
BODY = {"sku": "mug", "quantity": 2, "card_token": "tok_visa"}


class Orders:
    """What the storefront needs of orders, in memory."""

    def __init__(self) -> None:
        self.bodies: list[PlaceOrder] = []
        self.keys: list[str] = []
        self.known: dict[str, OrderView] = {}

    def place_order(self, body: PlaceOrder, key: IdempotencyKey) -> OrderView:
        if key in self.keys:
            return self.known[f"o-{self.keys.index(key) + 1}"]
        self.bodies.append(body)
        self.keys.append(key)
        order = OrderView(
            order_id=f"o-{len(self.known) + 1}",
            customer=body.customer,
            sku=body.sku,
            quantity=body.quantity,
            total=Money(amount=2500, currency="EUR"),
            status=OrderStatus.PLACED,
            placed_at=datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=len(self.known)),
        )
        self.known[order.order_id] = order
        return order

    def get_order(self, order_id: str) -> OrderView:
        if order_id not in self.known:
            raise NotFound(f"there is no order {order_id!r}")
        return self.known[order_id]

    def list_orders(self, customer: str, cursor: str | None = None) -> OrderPage:
        theirs = [order for order in self.known.values() if order.customer == customer][::-1]
        start = int(cursor or 0)
        more = start + 2 < len(theirs)
        return OrderPage(
            orders=tuple(theirs[start : start + 2]), cursor=str(start + 2) if more else None
        )


@pytest.fixture
def orders() -> Orders:
    """A stand-in that knows no order yet."""
    return Orders()


@pytest.fixture
def harness(harness: ServiceHarness, orders: Orders) -> ServiceHarness:
    """The service, connected to the stand-in."""
    harness.answers(OrdersApi.place_order, orders.place_order)
    harness.answers(OrdersApi.get_order, orders.get_order)
    harness.answers(OrdersApi.list_orders, orders.list_orders)
    return harness


def place(
    harness: ServiceHarness, caller: Caller = ANN, key: str = "key-1", **changes: Any
) -> Answer:
    headers = {"Idempotency-Key": key}
    return harness.call("POST", "/orders", {**BODY, **changes}, caller=caller, headers=headers)


def get(
    harness: ServiceHarness, path: str, caller: Caller = ANN, cursor: str | None = None
) -> Answer:
    query: dict[str, str | list[str]] = {} if cursor is None else {"cursor": cursor}
    return harness.call("GET", path, caller=caller, query=query)


def test_an_order_is_handed_on(harness: ServiceHarness, orders: Orders) -> None:
    """Who orders, and their address, come from signing in; the answer does not repeat them."""
    answer = place(harness)
    assert answer.status == 201
    assert orders.bodies == [
        PlaceOrder(
            customer="ann", email="ann@example.com", sku="mug", quantity=2, card_token="tok_visa"
        )
    ]
    assert answer.json == {
        "order_id": "o-1",
        "sku": "mug",
        "quantity": 2,
        "total": {"amount": 2500, "currency": "EUR"},
        "placed_at": "2026-11-22T00:00:00Z",
        "status": "PLACED",
        "degraded": False,
    }


def test_a_repeated_request_is_handed_on_once(harness: ServiceHarness, orders: Orders) -> None:
    """The same customer and key give the first answer."""
    assert place(harness).json == place(harness).json
    assert len(orders.bodies) == 1


def test_a_request_repeated_after_a_crash_keeps_one_receipt(harness: ServiceHarness) -> None:
    """Where the receipt was kept and the answer lost, the repeated request succeeds."""
    body = StorefrontOrder(sku="mug", quantity=2, card_token="tok_visa")
    first = place_order(body, ANN, IdempotencyKey("key-1"))
    assert place(harness).json["order_id"] == first.order_id
    assert receipts.get("ann", "o-1") is not None
    assert len(receipts.query("ann")) == 1


def test_the_same_key_of_two_customers_are_two_orders(
    harness: ServiceHarness, orders: Orders
) -> None:
    """Keys are chosen by customers, so they are told apart before they reach orders."""
    assert place(harness, ANN).json["order_id"] != place(harness, BOB).json["order_id"]
    assert len(set(orders.keys)) == 2


def test_a_customer_cannot_order_for_somebody_else(harness: ServiceHarness, orders: Orders) -> None:
    """A request that names a customer or an address is refused."""
    assert place(harness, customer="bob").status == 400
    assert place(harness, email="bob@example.com").status == 400
    assert orders.bodies == []


def test_an_account_without_an_address_cannot_order(
    harness: ServiceHarness, orders: Orders
) -> None:
    """Without an address no confirmation could be sent."""
    assert place(harness, Caller.customer("ann")).status == 400
    assert orders.bodies == []


def test_an_order_that_orders_refuses(harness: ServiceHarness) -> None:
    """A refusal reaches the customer as it is, since repeating cannot help."""

    def refuse(body: PlaceOrder, key: IdempotencyKey) -> OrderView:
        raise NotFound("no such article")

    harness.answers(OrdersApi.place_order, refuse)
    assert place(harness).status == 404


def test_no_order_can_be_taken_while_orders_is_unreachable(harness: ServiceHarness) -> None:
    """503 is a problem document that says when to come back."""
    harness.unreachable("orders")
    answer = place(harness)
    assert answer.status == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0


def test_the_same_request_succeeds_when_orders_is_back(
    harness: ServiceHarness, orders: Orders
) -> None:
    """A failed attempt is not remembered as the answer for its key."""

    def fail(body: PlaceOrder, key: IdempotencyKey) -> OrderView:
        raise Unavailable("it is down", retry_after=60)

    harness.answers(OrdersApi.place_order, fail)
    assert place(harness).status == 503
    harness.answers(OrdersApi.place_order, orders.place_order)
    assert place(harness).status == 201


def test_a_customer_sees_their_order(harness: ServiceHarness, orders: Orders) -> None:
    """The status is the one that orders knows now."""
    place(harness)
    orders.known["o-1"] = orders.known["o-1"].model_copy(update={"status": OrderStatus.CONFIRMED})
    answer = get(harness, "/orders/o-1")
    assert (answer.status, answer.json["status"]) == (200, "CONFIRMED")
    assert answer.json["degraded"] is False


def test_other_customers_orders_do_not_exist(harness: ServiceHarness) -> None:
    """The answer for another's order is that for no order, word for word."""
    place(harness, ANN)
    others = get(harness, "/orders/o-1", BOB)
    nobodys = get(harness, "/orders/o-9", BOB)
    assert others.status == nobodys.status == 404
    assert others.json.keys() == nobodys.json.keys()
    for member in others.json.keys() - {"instance", "trace_id"}:
        assert others.json[member] == nobodys.json[member]
    assert get(harness, "/orders", BOB).json == {"orders": [], "cursor": None}


@pytest.mark.parametrize("error", [Unavailable, InternalError])
def test_a_customer_sees_the_receipt_while_orders_is_down(
    harness: ServiceHarness, error: type[Exception]
) -> None:
    """What was ordered is shown, marked as degraded and of unknown status."""
    place(harness)

    def fail(order_id: str) -> OrderView:
        raise error("it is down")

    harness.answers(OrdersApi.get_order, fail)
    answer = get(harness, "/orders/o-1")
    assert answer.status == 200
    assert (answer.json["status"], answer.json["degraded"]) == ("UNKNOWN", True)
    assert answer.json["sku"] == "mug"
    assert answer.headers["Trunkline-Degraded"] == "orders.get_order"


def test_orders_is_left_alone_while_it_is_down(harness: ServiceHarness, orders: Orders) -> None:
    """Customers see receipts without waiting for orders, and soon after it is back their orders."""
    place(harness)

    def fail(order_id: str) -> OrderView:
        raise InternalError

    neighbour = harness.answers(OrdersApi.get_order, fail)
    asked = len(neighbour.requests)
    for _ in range(8):
        assert get(harness, "/orders/o-1").json["degraded"] is True
    assert len(neighbour.requests) - asked < 16
    harness.answers(OrdersApi.get_order, orders.get_order)
    harness.advance(5)
    answer = get(harness, "/orders/o-1")
    assert answer.json["degraded"] is False
    assert "Trunkline-Degraded" not in answer.headers


def test_nobody_elses_receipt_is_shown_while_orders_is_down(harness: ServiceHarness) -> None:
    """Another's order and no order give the same answer, as neither can be looked up."""
    place(harness, ANN)
    harness.unreachable("orders")
    others = get(harness, "/orders/o-1", BOB)
    nobodys = get(harness, "/orders/o-9", BOB)
    assert others.status == nobodys.status == 503
    assert others.json["detail"] == nobodys.json["detail"]


def test_a_customer_lists_their_orders_page_by_page(harness: ServiceHarness) -> None:
    """The newest first, as far as they have come."""
    for number in range(3):
        place(harness, key=f"key-{number}")
    first = get(harness, "/orders").json
    assert [order["order_id"] for order in first["orders"]] == ["o-3", "o-2"]
    assert {order["status"] for order in first["orders"]} == {"PLACED"}
    second = get(harness, "/orders", cursor=first["cursor"]).json
    assert [order["order_id"] for order in second["orders"]] == ["o-1"]
    assert second["cursor"] is None


def test_a_customers_list_needs_no_other_service(harness: ServiceHarness) -> None:
    """While orders is down all receipts are shown, marked as degraded; pages cannot be turned."""
    for number in range(3):
        place(harness, key=f"key-{number}")
    cursor = get(harness, "/orders").json["cursor"]
    harness.unreachable("orders")
    listing = get(harness, "/orders").json["orders"]
    assert [order["order_id"] for order in listing] == ["o-3", "o-2", "o-1"]
    assert {(order["status"], order["degraded"]) for order in listing} == {("UNKNOWN", True)}
    assert get(harness, "/orders", cursor=cursor).status == 503


def changed(status: OrderStatus, minute: int) -> OrderStatusChanged:
    at = datetime(2026, 11, 22, 9, minute, tzinfo=UTC)
    return OrderStatusChanged(order_id="o-1", customer="ann", status=status, changed_at=at)


def test_a_customer_sees_how_an_order_came_along(harness: ServiceHarness) -> None:
    """Step by step, each once, and also while orders is down."""
    for status, minute in ((OrderStatus.PLACED, 1), (OrderStatus.CONFIRMED, 2)):
        for event_id in (f"first-{minute}", f"again-{minute}"):
            assert harness.deliver(changed(status, minute), event_id=event_id)
    harness.unreachable("orders")
    answer = get(harness, "/orders/o-1/history")
    assert answer.status == 200
    assert answer.json == {
        "order_id": "o-1",
        "steps": [
            {"status": "PLACED", "at": "2026-11-22T09:01:00Z"},
            {"status": "CONFIRMED", "at": "2026-11-22T09:02:00Z"},
        ],
    }


def test_nobody_else_sees_it(harness: ServiceHarness) -> None:
    """Another's history and that of no order give the same answer."""
    harness.deliver(changed(OrderStatus.PLACED, 1))
    others = get(harness, "/orders/o-1/history", BOB)
    nobodys = get(harness, "/orders/o-9/history", BOB)
    assert others.status == nobodys.status == 404
    for member in others.json.keys() - {"instance", "trace_id"}:
        assert others.json[member] == nobodys.json[member]
