"""What orders says to others about an order."""

from __future__ import annotations

from datetime import UTC, datetime

from notifications_contract import OrderCancelledEmail, OrderConfirmedEmail, SendEmail
from orders.order import Order
from orders_contract import OrderCancelled, OrderConfirmed, OrderPlaced, OrderStatusChanged


def placed(order: Order, card_token: str) -> tuple[OrderPlaced, OrderStatusChanged]:
    """Tell everybody that the order waits for its payment."""
    event = OrderPlaced(
        order_id=order.order_id,
        customer=order.customer,
        total=order.total,
        card_token=card_token,
    )
    return event, _changed(order, order.placed_at)


def confirmed(order: Order) -> tuple[OrderConfirmed, OrderStatusChanged, SendEmail]:
    """Tell everybody that the order was paid, and the customer by e-mail."""
    event = OrderConfirmed(order_id=order.order_id, customer=order.customer, total=order.total)
    content = OrderConfirmedEmail(
        order_id=order.order_id,
        sku=order.sku,
        quantity=order.quantity,
        total=order.total,
        gift_letter=order.gift_letter,
    )
    email = SendEmail(reference=order.order_id, to=order.email, content=content)
    return event, _changed(order, datetime.now(UTC)), email


def cancelled(order: Order, reason: str) -> tuple[OrderCancelled, OrderStatusChanged, SendEmail]:
    """Tell everybody that the order was cancelled, and the customer by e-mail."""
    event = OrderCancelled(order_id=order.order_id, customer=order.customer, reason=reason)
    content = OrderCancelledEmail(
        order_id=order.order_id, sku=order.sku, quantity=order.quantity, total=order.total
    )
    email = SendEmail(reference=order.order_id, to=order.email, content=content)
    return event, _changed(order, datetime.now(UTC)), email


def _changed(order: Order, changed_at: datetime) -> OrderStatusChanged:
    return OrderStatusChanged(
        order_id=order.order_id,
        customer=order.customer,
        status=order.status,
        changed_at=changed_at,
    )
