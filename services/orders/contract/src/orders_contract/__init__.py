"""What others may know of orders: its API and its events."""

from orders_contract.api import OrdersApi
from orders_contract.events import OrderCancelled, OrderConfirmed, OrderPlaced, OrderStatusChanged
from orders_contract.models import (
    CardToken,
    OrderPage,
    OrderStatus,
    OrderView,
    PlaceOrder,
    Quantity,
)

__all__ = [
    "OrdersApi",
    "PlaceOrder",
    "OrderView",
    "OrderPage",
    "OrderStatus",
    "CardToken",
    "Quantity",
    "OrderPlaced",
    "OrderConfirmed",
    "OrderCancelled",
    "OrderStatusChanged",
]
