"""What an e-mail can say: one class per template, with what the template needs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from trunkline import Model, Money, Personal


class OrderConfirmedEmail(Model):
    """The order was paid."""

    template: Literal["order_confirmed"] = "order_confirmed"
    order_id: str
    sku: str
    quantity: int
    total: Money
    gift_letter: Personal[str] = ""
    """The letter that goes into the parcel, so that the giver sees what will be printed."""


class OrderCancelledEmail(Model):
    """The payment was declined and nothing was charged."""

    template: Literal["order_cancelled"] = "order_cancelled"
    order_id: str
    sku: str
    quantity: int
    total: Money


Content = Annotated[OrderConfirmedEmail | OrderCancelledEmail, Field(discriminator="template")]
"""Any of them; ``template`` tells which."""
