"""A payment and what it tells the world."""

from __future__ import annotations

from payments.payment import Payment, PaymentStatus
from payments_contract import PaymentCaptured, PaymentDeclined
from trunkline import Money

PRICE = Money(amount=1250, currency="EUR")


def test_a_captured_payment() -> None:
    """It names the charge and the amount."""
    payment = Payment(order_id="o-1", amount=PRICE, status=PaymentStatus.CAPTURED, evidence="ch-1")
    assert payment.event() == PaymentCaptured(order_id="o-1", charge_id="ch-1", amount=PRICE)


def test_a_declined_payment() -> None:
    """It names the provider's reason."""
    payment = Payment(
        order_id="o-1", amount=PRICE, status=PaymentStatus.DECLINED, evidence="card_declined"
    )
    assert payment.event() == PaymentDeclined(order_id="o-1", reason="card_declined")
