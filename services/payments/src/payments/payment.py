"""The payment of an order."""

from __future__ import annotations

from dataclasses import dataclass

from payments_contract import PaymentCaptured, PaymentDeclined
from trunkline import Model, Money


@dataclass(frozen=True)
class Captured:
    """The provider charged the card."""

    charge_id: str


@dataclass(frozen=True)
class Declined:
    """The provider refused the card."""

    reason: str
    """Its code, for example ``card_declined``."""


Outcome = Captured | Declined


class Payment(Model):
    """What became of the payment of one order; there is at most one per order."""

    order_id: str
    amount: Money
    charge_id: str | None = None
    """The charge in the provider's books, if the card was charged."""
    declined: str | None = None
    """The provider's reason, if it was not."""

    @classmethod
    def of(cls, order_id: str, amount: Money, outcome: Outcome) -> Payment:
        """The payment that a charge has led to."""
        match outcome:
            case Captured(charge_id):
                return cls(order_id=order_id, amount=amount, charge_id=charge_id)
            case Declined(reason):
                return cls(order_id=order_id, amount=amount, declined=reason)

    def event(self) -> PaymentCaptured | PaymentDeclined:
        """What to tell the world."""
        if self.charge_id is not None:
            return PaymentCaptured(
                order_id=self.order_id, charge_id=self.charge_id, amount=self.amount
            )
        return PaymentDeclined(order_id=self.order_id, reason=self.declined or "declined")
