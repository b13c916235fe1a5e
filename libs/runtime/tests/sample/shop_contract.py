"""What others may know of the sample service."""

from __future__ import annotations

from trunkline import Api, Event, Model, Money, Task, command, query


class OrderPlaced(Event, version=1, subject="order_id"):
    """An order was taken."""

    order_id: str
    total: Money


class PaymentSeen(Event, version=1, subject="order_id"):
    """Something to react to."""

    order_id: str
    fail: str = ""


class Remind(Task, version=1, subject="order_id"):
    """Remind somebody."""

    order_id: str
    to: str


class PlaceOrder(Model):
    """What a caller wants."""

    sku: str
    quantity: int


class OrderView(Model):
    """What a caller sees."""

    order_id: str
    sku: str
    quantity: int
    placed_by: str


class ShopApi(Api, version=1):
    """Place an order, look at it, list all of an article's."""

    @command("POST", "/orders")
    def place_order(self, body: PlaceOrder) -> OrderView:
        """Take an order."""

    @query("GET", "/orders/{order_id}")
    def get_order(self, order_id: str) -> OrderView:
        """One order."""

    @query("GET", "/orders")
    def find_orders(self, sku: str, at_least: int = 1) -> list[OrderView]:
        """Orders of an article."""

    @command("DELETE", "/orders/{order_id}")
    def delete_order(self, order_id: str) -> None:
        """Forget an order."""
