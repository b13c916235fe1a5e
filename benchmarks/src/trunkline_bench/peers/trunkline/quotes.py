"""``POST /quotes`` with Trunkline: route, validate, authorise, log, count, trace."""

from __future__ import annotations

import logging

from orders.catalogue import price_of
from orders_contract import PlaceOrder
from trunkline import Api, Model, Money, Service, command
from trunkline.telemetry import metrics

logger = logging.getLogger(__name__)


class QuoteView(Model):
    """What an order would cost."""

    sku: str
    quantity: int
    total: Money


class QuotesApi(Api, version=1, service="quotes"):
    """What would it cost?"""

    @command("POST", "/quotes")
    def quote(self, body: PlaceOrder) -> QuoteView:
        """Say what an order would cost."""


service = Service("quotes")


@service.implements(QuotesApi.quote)
def quote(body: PlaceOrder) -> QuoteView:
    """Say what an order would cost."""
    logger.info("quoted", extra={"sku": body.sku})
    metrics.count("quotes")
    total = price_of(body.sku) * body.quantity
    return QuoteView(sku=body.sku, quantity=body.quantity, total=total)
