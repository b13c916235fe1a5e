"""Why orders says no."""

from __future__ import annotations

from orders_contract import OrderStatus
from trunkline.errors import InvalidRequest, Rejected


class UnknownArticle(InvalidRequest):
    """The article is not in the price list."""

    def __init__(self, sku: str) -> None:
        self.sku = sku
        message = f"{sku!r} is not in the price list"
        super().__init__(message, errors=[{"field": "sku", "message": message}])


class UnknownOrder(Rejected):
    """A message is about an order that was never placed; trying again cannot help."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__(f"there is no order {order_id!r}")


class ImpossibleMove(Rejected):
    """An order cannot get from one state to another; trying again cannot help."""

    def __init__(self, order_id: str, current: OrderStatus, wanted: OrderStatus) -> None:
        self.order_id = order_id
        self.current = current
        self.wanted = wanted
        super().__init__(f"order {order_id!r} is {current} and cannot become {wanted}")
