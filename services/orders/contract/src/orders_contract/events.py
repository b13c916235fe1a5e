"""What orders tells the world."""

from __future__ import annotations

from datetime import datetime

from orders_contract.models import CardToken, OrderStatus
from trunkline import Event, Money


class OrderPlaced(Event, version=1, subject="order_id"):
    """An order was taken and waits for its payment."""

    order_id: str
    customer: str
    total: Money
    """What to charge."""
    card_token: CardToken
    """What to charge it to."""


class OrderConfirmed(Event, version=1, subject="order_id"):
    """An order was paid. Final."""

    order_id: str
    customer: str
    total: Money


class OrderCancelled(Event, version=1, subject="order_id"):
    """An order's payment was declined. Final."""

    order_id: str
    customer: str
    reason: str
    """The provider's code, for example ``card_declined``."""


class OrderStatusChanged(Event, version=1, subject="order_id", ordered=True):
    """An order has come further; the changes of one order arrive in their order."""

    order_id: str
    customer: str
    status: OrderStatus
    changed_at: datetime
