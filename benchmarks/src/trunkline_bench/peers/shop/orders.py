"""What placing an order means."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

PRICES = {"mug": 1250, "teapot": 3900, "green-tea": 780, "gift-box": 6490}
"""Cents for one piece, by article."""

_ORDERS = uuid.UUID("0d3f4a52-6c9b-5b5e-8a57-2f1f6c7f1b11")


def order_id_for(caller: str, key: str) -> str:
    """Follows from the key, so that a repeated request finds the first one's order."""
    return str(uuid.uuid5(_ORDERS, f"{caller}/{key}"))


def total_of(sku: str, quantity: int) -> dict[str, Any]:
    """The price; :class:`KeyError` for an unknown article."""
    return {"amount": PRICES[sku] * quantity, "currency": "EUR"}


def new_order(order_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """The order that a body asks for."""
    return {
        "order_id": order_id,
        "customer": body["customer"],
        "email": body["email"],
        "sku": body["sku"],
        "quantity": body["quantity"],
        "total": total_of(body["sku"], body["quantity"]),
        "placed_at": timestamp(),
        "status": "PLACED",
    }


def view_of(order: dict[str, Any]) -> dict[str, Any]:
    """An order as other services may see it."""
    hidden = ("email",)
    return {name: value for name, value in order.items() if name not in hidden}


def placed_event(order: dict[str, Any], card_token: str, traceparent: str) -> dict[str, Any]:
    """What goes to the outbox: the event that starts the payment, as a CloudEvent."""
    event_id = str(uuid.uuid4())
    now = timestamp()
    envelope = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/services/orders",
        "type": "orders.order_placed.v1",
        "subject": order["order_id"],
        "time": now,
        "datacontenttype": "application/json",
        "traceparent": traceparent,
        "data": {
            "order_id": order["order_id"],
            "customer": order["customer"],
            "total": order["total"],
            "card_token": card_token,
        },
    }
    return {
        "event_id": event_id,
        "kind": "event",
        "target": "orders",
        "type": "orders.order_placed.v1",
        "stored_at": now,
        "envelope": json.dumps(envelope, separators=(",", ":")),
    }


def timestamp() -> str:
    """Now, RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
