"""What customers may know of the storefront: its public API."""

from storefront_contract.api import StorefrontApi
from storefront_contract.models import (
    OrderHistory,
    OrderList,
    OrderStatus,
    OrderView,
    PlaceOrder,
    Receipt,
    StatusChange,
)

__all__ = [
    "StorefrontApi",
    "PlaceOrder",
    "OrderView",
    "OrderStatus",
    "OrderList",
    "OrderHistory",
    "StatusChange",
    "Receipt",
]
