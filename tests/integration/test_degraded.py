"""What customers notice while orders is down: less, but never nothing, and nothing wrong."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

BODY = {"sku": "mug", "quantity": 1, "card_token": "tok_visa"}


@contextmanager
def _orders_down(faults: Any) -> Iterator[None]:
    fault = {
        "id": "orders-is-down",
        "function": "trunkline-local-orders-api",
        "action": "lambda:Invoke",
        "when": "before",
        "effect": "error",
    }
    with faults.injected(fault):
        yield
        assert faults.hits()["orders-is-down"] > 0, "orders was never asked"


def _status(buyer: Any, order_id: str) -> str:
    return str(buyer.request("GET", f"/orders/{order_id}").json()["status"])


def test_customers_see_their_receipts(customer: Any, faults: Any, eventually: Any) -> None:
    """A customer's order is shown as far as the storefront knows it, marked as degraded."""
    buyer, stranger = customer(), customer()
    order_id = buyer.order()
    with _orders_down(faults):
        shown = buyer.request("GET", f"/orders/{order_id}")
        assert (200, True) == (shown.status, shown.json()["degraded"])
        assert ("UNKNOWN", "mug") == (shown.json()["status"], shown.json()["sku"])
        assert "orders.get_order" == shown.headers["Trunkline-Degraded"]
        assert 503 == stranger.request("GET", f"/orders/{order_id}").status
        listed = buyer.request("GET", "/orders")
        assert [order_id] == [order["order_id"] for order in listed.json()["orders"]]
        assert [] == stranger.request("GET", "/orders").json()["orders"]
    eventually("orders answers", lambda: _status(buyer, order_id) != "UNKNOWN")
    assert "Trunkline-Degraded" not in buyer.request("GET", f"/orders/{order_id}").headers


def test_orders_is_left_alone_while_it_is_down(customer: Any, faults: Any, eventually: Any) -> None:
    """Most requests are answered without asking it; soon after it is back, it is asked again."""
    buyer = customer()
    order_id = buyer.order()
    with _orders_down(faults):
        for _ in range(30):
            assert "UNKNOWN" == _status(buyer, order_id)
        assert faults.hits()["orders-is-down"] < 30
    eventually("orders answers", lambda: _status(buyer, order_id) == "CONFIRMED")


def test_an_order_can_be_sent_again(customer: Any, faults: Any, eventually: Any) -> None:
    """An order is refused with a time to come back; the same request is then taken once."""
    buyer, key = customer(), str(uuid.uuid4())
    with _orders_down(faults):
        refused = buyer.request("POST", "/orders", BODY, Idempotency_Key=key)
        assert 503 == refused.status
        assert int(refused.headers["Retry-After"]) > 0
    order_id = buyer.order(key=key)
    assert order_id == buyer.order(key=key)
    eventually("confirmed", lambda: buyer.status(order_id) == "CONFIRMED")
    assert [order_id] == [o["order_id"] for o in buyer.request("GET", "/orders").json()["orders"]]
