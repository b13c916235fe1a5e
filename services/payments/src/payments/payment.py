"""The payment of an order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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


class PaymentStatus(StrEnum):
    """How a payment went. Both are final."""

    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"


class Payment(Model):
    """What became of the payment of one order; there is at most one per order."""

    order_id: str
    amount: Money
    status: PaymentStatus
    evidence: str
    """The provider's own word for it: the charge's id, or the reason for refusing the card."""

    @classmethod
    def of(cls, order_id: str, amount: Money, outcome: Outcome) -> Payment:
        """The payment that a charge has led to."""
        match outcome:
            case Captured(charge_id):
                status, evidence = PaymentStatus.CAPTURED, charge_id
            case Declined(reason):
                status, evidence = PaymentStatus.DECLINED, reason
        return cls(order_id=order_id, amount=amount, status=status, evidence=evidence)

    def event(self) -> PaymentCaptured | PaymentDeclined:
        """What to tell the world."""
        match self.status:
            case PaymentStatus.CAPTURED:
                return PaymentCaptured(
                    order_id=self.order_id, charge_id=self.evidence, amount=self.amount
                )
            case PaymentStatus.DECLINED:
                return PaymentDeclined(order_id=self.order_id, reason=self.evidence)
