"""Values that many contracts share."""

from __future__ import annotations

from typing import Annotated, NewType, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

IdempotencyKey = NewType("IdempotencyKey", str)
"""The value of a request's ``Idempotency-Key`` header: one effect per key.

A handler gets it by a parameter of this type. An operation that declares such a parameter lets its
typed client pass the key on.
"""

T = TypeVar("T")


class PersonalData:
    """Marks a field's type: its values are never shown. Say :data:`Personal` instead."""


Personal: TypeAlias = Annotated[T, PersonalData]
"""A field with personal data, as ``email: Personal[str]``.

It is stored and sent like any other, and masked wherever a model is shown: in its ``repr`` and
``str``, in log lines and in errors of validation.
"""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An alphabetic currency code (ISO 4217)."""


class Money(BaseModel):
    """An amount in a currency's minor units, so that no amount is ever rounded."""

    model_config = ConfigDict(frozen=True)

    amount: Annotated[int, Field(strict=True)]
    """Minor units: cents for EUR, yen for JPY."""
    currency: Currency

    def __add__(self, other: Money) -> Money:
        """The sum; :class:`ValueError` if the currencies differ."""
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __mul__(self, factor: int) -> Money:
        """So many times the amount."""
        return Money(amount=self.amount * factor, currency=self.currency)

    def __str__(self) -> str:
        """For people: ``12.34 EUR``. Currencies without two decimals are written the same way."""
        sign = "-" if self.amount < 0 else ""
        major, minor = divmod(abs(self.amount), 100)
        return f"{sign}{major}.{minor:02} {self.currency}"
