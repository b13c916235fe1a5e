"""What the storefront takes from customers and shows them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from trunkline import Model, Money, Personal


class OrderStatus(StrEnum):
    """How far an order has come."""

    PLACED = "PLACED"
    CONFIRMED = "CONFIRMED"
    """Paid. Final."""
    CANCELLED = "CANCELLED"
    """The payment was declined. Final."""
    UNKNOWN = "UNKNOWN"
    """It cannot be looked up just now; ask again."""


class PlaceOrder(Model):
    """One article. Who orders, and their e-mail address, is known from signing in.

    Articles and prices: ``mug`` 12.50 EUR, ``teapot`` 39.00 EUR, ``green-tea`` 7.80 EUR,
    ``gift-box`` 64.90 EUR. Test cards: ``tok_visa`` is good, ``tok_declined`` is declined.
    """

    sku: str = Field(min_length=1, max_length=64)
    quantity: int = Field(ge=1, le=10, strict=True)
    card_token: Personal[str] = Field(pattern=r"^tok_[a-z0-9_]{1,60}$")
    gift_letter: Personal[str] = Field(default="", max_length=90_000)
    """A letter to print and put into the parcel; the confirmation repeats it."""


class Receipt(Model):
    """What a customer ordered, whatever became of it."""

    order_id: str
    sku: str
    quantity: int
    total: Money
    placed_at: datetime


class OrderView(Receipt):
    """An order and how far it has come."""

    status: OrderStatus
    degraded: bool = False
    """Whether this is only the receipt, as the order itself cannot be looked up just now."""


class OrderList(Model):
    """Some of a customer's orders, the newest first."""

    orders: tuple[OrderView, ...]
    cursor: str | None = None
    """Asks for the next ones: ``GET /orders?cursor=...``; ``None`` if there are no more."""


class StatusChange(Model):
    """One step of an order."""

    status: OrderStatus
    at: datetime


class OrderHistory(Model):
    """How an order has come where it is, the first step first."""

    order_id: str
    steps: tuple[StatusChange, ...]
