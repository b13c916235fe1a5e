"""The bodies of the shop's API and its events, as orders' contract has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

CardToken = Annotated[str, StringConstraints(pattern=r"^tok_[a-z0-9_]{1,60}$")]


class Money(BaseModel):
    """An amount in minor units."""

    amount: Annotated[int, Field(strict=True)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class PlaceOrder(BaseModel):
    """One article for one customer."""

    model_config = ConfigDict(extra="forbid")

    customer: str = Field(min_length=1, max_length=128)
    email: str = Field(min_length=3, max_length=254)
    sku: str = Field(min_length=1, max_length=64)
    quantity: Annotated[int, Field(ge=1, le=10, strict=True)]
    card_token: CardToken


class OrderView(BaseModel):
    """An order as other services may see it."""

    order_id: str
    customer: str
    sku: str
    quantity: int
    total: Money
    status: str
    placed_at: datetime


class QuoteView(BaseModel):
    """What an order would cost."""

    sku: str
    quantity: int
    total: Money


class PaymentCaptured(BaseModel):
    """The card was charged."""

    order_id: str
    charge_id: str
    amount: Money


class PaymentCapturedEvent(BaseModel):
    """Its CloudEvent."""

    specversion: str
    id: Annotated[str, Field(min_length=1, max_length=256)]
    source: str
    type: str
    time: str
    subject: str | None = None
    traceparent: str | None = None
    data: PaymentCaptured
