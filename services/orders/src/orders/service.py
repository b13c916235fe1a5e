"""What orders needs and does."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from notifications_contract import SendEmail
from orders import messages
from orders.catalogue import price_of
from orders.errors import UnknownOrder
from orders.order import CustomersOrder, Order, order_id_for
from orders_contract import (
    OrderCancelled,
    OrderConfirmed,
    OrderPage,
    OrderPlaced,
    OrdersApi,
    OrderStatusChanged,
    OrderView,
    PlaceOrder,
)
from payments_contract import PaymentCaptured, PaymentDeclined
from trunkline import Caller, IdempotencyKey, Service
from trunkline.errors import NotFound
from trunkline.rules import services

logger = logging.getLogger(__name__)
PAGE = 20
"""Orders in one answer."""

service = Service("orders")
orders = service.table("orders", Order, key="order_id")
by_customer = service.table("by-customer", CustomersOrder, key="customer", sort="place")
orders_placed = service.metric("orders_placed")


@service.implements(
    OrdersApi.place_order,
    allow=services("storefront"),  # it has asked the customer who they are; nobody else has
    idempotency="Idempotency-Key",
    uses=[orders.read, orders.write, by_customer.write, OrderPlaced, OrderStatusChanged],
)
def place_order(body: PlaceOrder, caller: Caller, key: IdempotencyKey) -> OrderView:
    """Store the order and, in the same transaction, the event that starts its payment.

    The entry in the customer's list belongs to the same transaction, so that no order is missing.
    """
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
        gift_letter=body.gift_letter,
    )
    with service.transaction() as transaction:
        transaction.put(orders, order, emit=messages.placed(order, body.card_token))
        transaction.put(by_customer, CustomersOrder.of(order))
    orders_placed.add()
    logger.info("order placed", extra={"order_id": order_id})
    return order.view()


@service.implements(OrdersApi.get_order, uses=[orders.read])
def get_order(order_id: str) -> OrderView:
    """Look an order up."""
    order = orders.get(order_id)
    if order is None:
        raise NotFound(f"there is no order {order_id!r}")
    return order.view()


@service.implements(
    OrdersApi.list_orders, allow=services("storefront"), uses=[orders.read, by_customer.read]
)
def list_orders(customer: str, cursor: str | None) -> OrderPage:
    """Look up which orders the customer has, and then these."""
    page = by_customer.page(customer, cursor=cursor, limit=PAGE, descending=True)
    found = orders.get_many([entry.order_id for entry in page.records])
    return OrderPage(
        orders=tuple(order.view() for order in found if order is not None), cursor=page.cursor
    )


@service.reacts_to(
    PaymentCaptured,
    uses=[orders.read, orders.write, OrderConfirmed, OrderStatusChanged, SendEmail],
)
def confirm(event: PaymentCaptured) -> None:
    """The payment arrived: the order is confirmed."""
    order = _placed_order(event.order_id)
    confirmed = order.confirmed()
    if confirmed is not order:
        orders.put(confirmed, emit=messages.confirmed(confirmed))


@service.reacts_to(
    PaymentDeclined,
    uses=[orders.read, orders.write, OrderCancelled, OrderStatusChanged, SendEmail],
)
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
