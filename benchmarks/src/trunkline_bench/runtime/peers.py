"""Who is compared: what each peer's bundle holds, where its handlers are, and its variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trunkline.manifest import names, variables

__all__ = ["OURS", "PEERS", "POWERTOOLS", "Peer"]

STAGE = "bench"
"""The environment that the recorded events come from."""
CALLERS = "storefront"
"""The services that may call."""


@dataclass(frozen=True)
class Peer:
    """One way to build the same functions."""

    name: str
    requirements: tuple[str, ...]
    """What its bundle holds, beside the peers' applications themselves; PEP 508."""
    handlers: Mapping[str, str]
    """Lambda's handler, by application."""
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The function's environment variables, by application."""


def _table(name: str) -> str:
    return names.table(STAGE, "orders", name)


def _ours(service: str, function: str, entry: str) -> dict[str, str]:
    """What the platform sets on a function."""
    return {
        variables.ENVIRONMENT: STAGE,
        variables.SERVICE: service,
        variables.FUNCTION: function,
        variables.ENTRY: entry,
        variables.CALLERS: CALLERS,
        variables.table("orders"): _table("orders"),
        variables.table("by-customer"): _table("by-customer"),
        variables.table("outbox"): _table("outbox"),
        variables.table("idempotency"): _table("idempotency"),
    }


_SHOP = {
    "SHOP_STAGE": STAGE,
    "SHOP_CALLERS": CALLERS,
    "SHOP_ORDERS_TABLE": _table("orders"),
    "SHOP_OUTBOX_TABLE": _table("outbox"),
    "SHOP_IDEMPOTENCY_TABLE": _table("idempotency"),
}


def _theirs(name: str, *requirements: str) -> Peer:
    applications = ("place_order", "quote", "confirm")
    return Peer(
        name,
        ("boto3", *requirements),
        {app: f"trunkline_bench.peers.{name}.{app}.handler" for app in applications},
        dict.fromkeys(applications, _SHOP),
    )


OURS = Peer(
    "trunkline",
    ("orders",),
    {
        "place_order": "trunkline.entrypoints.api",
        "quote": "trunkline.entrypoints.api",
        "confirm": "trunkline.entrypoints.event",
    },
    {
        "place_order": _ours("orders", "api", "orders.service:service"),
        "quote": _ours("quotes", "api", "trunkline_bench.peers.trunkline.quotes:service"),
        "confirm": _ours(
            "confirmations",
            "on-payment-captured",
            "trunkline_bench.peers.trunkline.confirmations:service",
        ),
    },
)
"""Trunkline; its first response is that of the reference service itself."""

POWERTOOLS = _theirs("powertools", "aws-lambda-powertools[parser,tracer]")

PEERS = (
    POWERTOOLS,
    _theirs("fastapi", "fastapi", "mangum"),
    _theirs("chalice", "chalice", "pydantic"),
    _theirs("bare"),
)
"""Everybody else."""
