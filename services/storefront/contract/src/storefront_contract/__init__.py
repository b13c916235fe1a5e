"""What customers may know of the storefront: its public API."""

from storefront_contract.api import StorefrontApi
from storefront_contract.models import OrderList, OrderStatus, OrderView, PlaceOrder, Receipt

__all__ = ["StorefrontApi", "PlaceOrder", "OrderView", "OrderStatus", "OrderList", "Receipt"]
