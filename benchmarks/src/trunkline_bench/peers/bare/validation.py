"""The shop's bodies, checked by hand: the names of the wrong fields."""

from __future__ import annotations

import re
from typing import Any

_CARD = re.compile(r"tok_[a-z0-9_]{1,60}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LENGTHS = {"customer": (1, 128), "email": (3, 254), "sku": (1, 64)}
_FIELDS = {*_LENGTHS, "quantity", "card_token"}
_EVENT = ("specversion", "id", "source", "type", "time")


def wrong_in_order(body: Any) -> list[str]:
    """The wrong fields of an order's body."""
    if not isinstance(body, dict):
        return ["body"]
    wrong = [name for name in body if name not in _FIELDS]
    for name, (shortest, longest) in _LENGTHS.items():
        value = body.get(name)
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            wrong.append(name)
    quantity = body.get("quantity")
    if type(quantity) is not int or not 1 <= quantity <= 10:
        wrong.append("quantity")
    card = body.get("card_token")
    if not isinstance(card, str) or not _CARD.fullmatch(card):
        wrong.append("card_token")
    return wrong


def wrong_in_payment(event: Any) -> list[str]:
    """The wrong fields of a captured payment's CloudEvent."""
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        return ["data"]
    wrong = [name for name in _EVENT if not isinstance(event.get(name), str) or not event[name]]
    data = event["data"]
    wrong.extend(n for n in ("order_id", "charge_id") if not isinstance(data.get(n), str))
    amount = data.get("amount")
    if (
        not isinstance(amount, dict)
        or type(amount.get("amount")) is not int
        or not isinstance(amount.get("currency"), str)
        or not _CURRENCY.fullmatch(amount["currency"])
    ):
        wrong.append("amount")
    return wrong
