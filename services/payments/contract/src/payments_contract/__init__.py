"""What others may know of payments: its events."""

from payments_contract.events import PaymentCaptured, PaymentDeclined

__all__ = ["PaymentCaptured", "PaymentDeclined"]
