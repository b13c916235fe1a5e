"""The price list."""

from __future__ import annotations

import re

import pytest

from orders.catalogue import PRICES, price_of
from orders.errors import UnknownArticle
from orders_contract import PlaceOrder


def test_the_contract_repeats_the_price_list() -> None:
    """The table in the contract's docstring has exactly our articles and prices."""
    documented = re.findall(r"``([a-z-]+)``\s+(\d+\.\d\d)$", PlaceOrder.__doc__ or "", re.MULTILINE)
    assert {f"{sku} {price}" for sku, price in documented} == {
        f"{sku} {price.amount // 100}.{price.amount % 100:02}" for sku, price in PRICES.items()
    }


def test_an_unknown_article_is_the_callers_mistake() -> None:
    """The refusal is a 400 that names the field."""
    with pytest.raises(UnknownArticle) as refusal:
        price_of("unicorn")
    assert refusal.value.status == 400
    assert refusal.value.errors[0]["field"] == "sku"
