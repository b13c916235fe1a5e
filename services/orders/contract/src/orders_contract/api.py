"""The API of orders."""

from __future__ import annotations

from orders_contract.models import OrderPage, OrderView, PlaceOrder
from trunkline import Api, IdempotencyKey, command, query


class OrdersApi(Api, version=1):
    """Place an order; look at one; list those of a customer."""

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

    @query("GET", "/customers/{customer}/orders")
    def list_orders(self, customer: str, cursor: str | None = None) -> OrderPage:
        """Up to 20 orders of a customer as they are now, the newest first.

        Another page follows for the cursor of this one. A cursor that is none of this customer's is
        refused with 400.
        """
        ...
