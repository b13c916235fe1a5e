"""How the payment of an order went. Each order gets exactly one of these.

With the provider's test cards: ``tok_visa`` is captured, ``tok_declined`` is declined.
"""

from __future__ import annotations

from trunkline import Event, Money


class PaymentCaptured(Event, version=1, subject="order_id"):
    """The card was charged."""

    order_id: str
    charge_id: str
    """The charge in the provider's books."""
    amount: Money


class PaymentDeclined(Event, version=1, subject="order_id"):
    """The card was refused, so nothing was charged."""

    order_id: str
    reason: str
    """The provider's code, for example ``card_declined``."""
