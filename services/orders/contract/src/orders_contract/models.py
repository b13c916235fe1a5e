"""What the API of orders takes and gives."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from trunkline import Model, Money, Personal

CardToken = Personal[Annotated[str, StringConstraints(pattern=r"^tok_[a-z0-9_]{1,60}$")]]
"""A card, as the payment provider names it; card numbers never reach the shop.

Of the provider's test cards, ``tok_visa`` is good and ``tok_declined`` is always declined.
"""

Quantity = Annotated[int, Field(ge=1, le=10, strict=True)]
"""How many of one article, at most ten."""


class OrderStatus(StrEnum):
    """How far an order has come. It begins as placed; the other two are final."""

    PLACED = "PLACED"
    """Taken; its payment is under way."""
    CONFIRMED = "CONFIRMED"
    """Paid."""
    CANCELLED = "CANCELLED"
    """The payment was declined."""


class PlaceOrder(Model):
    """One article for one customer.

    The price list, in euros for one piece:

    ==============  ======
    ``mug``          12.50
    ``teapot``       39.00
    ``green-tea``     7.80
    ``gift-box``     64.90
    ==============  ======
    """

    customer: str = Field(min_length=1, max_length=128)
    """Who orders; only this customer may see the order."""
    email: Personal[str] = Field(min_length=3, max_length=254)
    """Where the confirmation goes."""
    sku: str = Field(min_length=1, max_length=64)
    """The article, from the price list."""
    quantity: Quantity
    card_token: CardToken
    gift_letter: Personal[str] = Field(default="", max_length=90_000)
    """A letter to print and put into the parcel; the confirmation repeats it."""


class OrderView(Model):
    """An order as other services may see it."""

    order_id: str
    customer: str
    sku: str
    quantity: int
    total: Money
    """Price times quantity, fixed when the order was placed."""
    status: OrderStatus
    placed_at: datetime


class OrderPage(Model):
    """Some of a customer's orders, the newest first."""

    orders: tuple[OrderView, ...]
    cursor: str | None = None
    """Asks for the next page; ``None`` if this is the last."""
