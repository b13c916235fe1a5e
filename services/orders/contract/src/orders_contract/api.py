"""The API of orders."""

from __future__ import annotations

from orders_contract.models import OrderView, PlaceOrder
from trunkline import Api, IdempotencyKey, command, query


class OrdersApi(Api, version=1):
    """Place an order; look at one."""

    @command("POST", "/orders")
    def place_order(self, body: PlaceOrder, key: IdempotencyKey) -> OrderView:
        """Take an order: it is placed when this returns, and paid for afterwards.

        The same key means the same order, however often it is sent. An article that is not in the
        price list is refused with 400.
        """
        ...

    @query("GET", "/orders/{order_id}")
    def get_order(self, order_id: str) -> OrderView:
        """The order as it is now; 404 if there is none."""
        ...
