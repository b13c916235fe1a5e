"""What orders needs and does."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from notifications_contract import SendEmail
from orders import messages
from orders.catalogue import price_of
from orders.errors import UnknownOrder
from orders.order import Order, order_id_for
from orders_contract import (
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrdersApi,
    OrderView,
    PlaceOrder,
)
from payments_contract import PaymentCaptured, PaymentDeclined
from trunkline import Caller, IdempotencyKey, Service
from trunkline.errors import NotFound
from trunkline.rules import services

logger = logging.getLogger(__name__)
service = Service("orders")
orders = service.table("orders", Order, key="order_id")


@service.implements(
    OrdersApi.place_order,
    allow=services("storefront"),  # it has asked the customer who they are; nobody else has
    idempotency="Idempotency-Key",
    uses=[orders.read, orders.write, OrderPlaced],
)
def place_order(body: PlaceOrder, caller: Caller, key: IdempotencyKey) -> OrderView:
    """Store the order and, in the same transaction, the event that starts its payment."""
    order_id = order_id_for(caller.subject, key)
    existing = orders.get(order_id)
    if existing is not None:  # the first request stored it, and crashed before it answered
        return existing.view()
    order = Order(
        order_id=order_id,
        customer=body.customer,
        email=body.email,
        sku=body.sku,
        quantity=body.quantity,
        total=price_of(body.sku) * body.quantity,
        placed_at=datetime.now(UTC),
    )
    orders.put(order, emit=[messages.placed(order, body.card_token)])
    logger.info("order placed", extra={"order_id": order_id})
    return order.view()


@service.implements(OrdersApi.get_order, uses=[orders.read])
def get_order(order_id: str) -> OrderView:
    """Look an order up."""
    order = orders.get(order_id)
    if order is None:
        raise NotFound(f"there is no order {order_id!r}")
    return order.view()


@service.reacts_to(PaymentCaptured, uses=[orders.read, orders.write, OrderConfirmed, SendEmail])
def confirm(event: PaymentCaptured) -> None:
    """The payment arrived: the order is confirmed."""
    order = _placed_order(event.order_id)
    confirmed = order.confirmed()
    if confirmed is not order:
        orders.put(confirmed, emit=messages.confirmed(confirmed))


@service.reacts_to(PaymentDeclined, uses=[orders.read, orders.write, OrderCancelled, SendEmail])
def cancel(event: PaymentDeclined) -> None:
    """The card was refused: the order is cancelled."""
    order = _placed_order(event.order_id)
    cancelled = order.cancelled()
    if cancelled is not order:
        orders.put(cancelled, emit=messages.cancelled(cancelled, event.reason))


def _placed_order(order_id: str) -> Order:
    order = orders.get(order_id)
    if order is None:
        raise UnknownOrder(order_id)
    return order
