"""What orders says to others about an order."""

from __future__ import annotations

from notifications_contract import OrderCancelledEmail, OrderConfirmedEmail, SendEmail
from orders.order import Order
from orders_contract import OrderCancelled, OrderConfirmed, OrderPlaced


def placed(order: Order, card_token: str) -> OrderPlaced:
    """Tell everybody that the order waits for its payment."""
    return OrderPlaced(
        order_id=order.order_id,
        customer=order.customer,
        total=order.total,
        card_token=card_token,
    )


def confirmed(order: Order) -> tuple[OrderConfirmed, SendEmail]:
    """Tell everybody that the order was paid, and the customer by e-mail."""
    event = OrderConfirmed(order_id=order.order_id, customer=order.customer, total=order.total)
    content = OrderConfirmedEmail(
        order_id=order.order_id,
        sku=order.sku,
        quantity=order.quantity,
        total=order.total,
        gift_letter=order.gift_letter,
    )
    return event, SendEmail(reference=order.order_id, to=order.email, content=content)


def cancelled(order: Order, reason: str) -> tuple[OrderCancelled, SendEmail]:
    """Tell everybody that the order was cancelled, and the customer by e-mail."""
    event = OrderCancelled(order_id=order.order_id, customer=order.customer, reason=reason)
    content = OrderCancelledEmail(
        order_id=order.order_id, sku=order.sku, quantity=order.quantity, total=order.total
    )
    return event, SendEmail(reference=order.order_id, to=order.email, content=content)
