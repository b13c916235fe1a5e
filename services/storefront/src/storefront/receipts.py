"""What the storefront itself remembers of an order, to answer with when orders cannot."""

from __future__ import annotations

from datetime import datetime

import orders_contract
from storefront_contract import OrderStatus, OrderView, Receipt
from trunkline import Model, Money


class StoredReceipt(Model):
    """What a customer ordered. Its key begins with the customer, so it is found only for them."""

    customer: str
    order_id: str
    sku: str
    quantity: int
    total: Money
    placed_at: datetime

    @classmethod
    def of(cls, order: orders_contract.OrderView) -> StoredReceipt:
        """The receipt of an order that was just placed."""
        return cls.model_validate(order, from_attributes=True)

    def receipt(self) -> Receipt:
        """What its customer may see."""
        return Receipt.model_validate(self, from_attributes=True)

    def degraded(self) -> OrderView:
        """The best answer while the order itself cannot be looked up."""
        return OrderView(**self.receipt().model_dump(), status=OrderStatus.UNKNOWN, degraded=True)


def view_of(order: orders_contract.OrderView) -> OrderView:
    """An order as its customer may see it."""
    return OrderView.model_validate(order, from_attributes=True)
