"""Payments that were captured, from a queue, with Trunkline."""

from __future__ import annotations

import logging

from payments_contract import PaymentCaptured
from trunkline import Service
from trunkline.telemetry import metrics

logger = logging.getLogger(__name__)
service = Service("confirmations")


@service.reacts_to(PaymentCaptured)
def confirm(event: PaymentCaptured) -> None:
    """The payment arrived."""
    logger.info("payment captured", extra={"order_id": event.order_id})
    metrics.count("payments_captured")
