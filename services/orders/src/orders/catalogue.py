"""The price list. The contracts' docstrings repeat it, and a test compares them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from orders.errors import UnknownArticle
from trunkline import Money

PRICES: Mapping[str, Money] = MappingProxyType(
    {
        "mug": Money(amount=1250, currency="EUR"),
        "teapot": Money(amount=3900, currency="EUR"),
        "green-tea": Money(amount=780, currency="EUR"),
        "gift-box": Money(amount=6490, currency="EUR"),
    }
)
"""The price of one piece, by article."""


def price_of(sku: str) -> Money:
    """The price of one piece.

    Raises:
        UnknownArticle: it is not in the price list.
    """
    try:
        return PRICES[sku]
    except KeyError:
        raise UnknownArticle(sku) from None
