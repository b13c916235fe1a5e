"""The payment of an order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from payments_contract import PaymentCaptured, PaymentDeclined
from trunkline import Model, Money


class PaymentStatus(StrEnum):
    """How a payment went. Both are final."""

    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"


@dataclass(frozen=True)
class Outcome:
    """What the provider made of a charge."""

    status: PaymentStatus
    evidence: str
    """Its own word for it: the charge's id, or the reason for refusing the card."""


class Payment(Model):
    """What became of the payment of one order; there is at most one per order."""

    order_id: str
    amount: Money
    status: PaymentStatus
    evidence: str
    """The provider's word, as in :class:`Outcome`."""

    def event(self) -> PaymentCaptured | PaymentDeclined:
        """What to tell the world."""
        match self.status:
            case PaymentStatus.CAPTURED:
                return PaymentCaptured(
                    order_id=self.order_id, charge_id=self.evidence, amount=self.amount
                )
            case PaymentStatus.DECLINED:
                return PaymentDeclined(order_id=self.order_id, reason=self.evidence)
