"""The public API of the shop; a customer signs in first."""

from __future__ import annotations

from storefront_contract.models import OrderHistory, OrderList, OrderView, PlaceOrder
from trunkline import Api, IdempotencyKey, command, query


class StorefrontApi(Api, version=1):
    """Order something; see what became of it."""

    @command("POST", "/orders")
    def place_order(self, body: PlaceOrder, key: IdempotencyKey) -> OrderView:
        """Place an order. The same key means the same order, however often it is sent.

        503 with Retry-After while no orders can be taken: send the same request again.
        """
        ...

    @query("GET", "/orders/{order_id}")
    def get_order(self, order_id: str) -> OrderView:
        """One of the customer's own orders; 404 for everybody else's."""
        ...

    @query("GET", "/orders")
    def list_orders(self, cursor: str | None = None) -> OrderList:
        """What the customer has ordered so far, page by page.

        While the orders cannot be looked up, the first page holds everything, marked as degraded.
        """
        ...

    @query("GET", "/orders/{order_id}/history")
    def get_history(self, order_id: str) -> OrderHistory:
        """The steps of one of the customer's own orders; 404 for everybody else's."""
        ...
