"""After the load: did every order end once, in the right state, charged once?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from trunkline_devtools.load.plan import OrderMade

__all__ = ["Evidence", "StoredOrder", "find_faults"]

_PLACED_AND_DECIDED = 2
"""Writes of an order that was placed and then confirmed or cancelled once."""
_SHOWN = 3


@dataclass(frozen=True)
class StoredOrder:
    """An order in the table of the service that owns it."""

    status: str
    writes: int
    """How often it was written."""


@dataclass(frozen=True)
class Evidence:
    """What the services and the payment provider have on record."""

    orders: Mapping[str, StoredOrder]
    """By order id."""
    payments: Mapping[str, str]
    """Status by order id, in the payments service's own table."""
    charges: Mapping[str, tuple[str, ...]]
    """Statuses of all charges in the provider's ledger, by order id."""
    emails: Counter[str]
    """How many e-mails each order brought."""


def find_faults(made: Iterable[OrderMade], evidence: Evidence) -> tuple[str, ...]:
    """Everything that is not as it must be; empty when all is well."""
    orders = tuple(made)
    found = [fault for order in orders for fault in _faults_of(order, evidence)]
    twice = [
        order_id for order_id, count in Counter(o.order_id for o in orders).items() if count > 1
    ]
    if twice:
        found.append(f"{len(twice)} order ids were given to more than one key: {_some(twice)}")
    return tuple(found)


def _faults_of(order: OrderMade, evidence: Evidence) -> list[str]:
    wanted, charge = ("CANCELLED", "declined") if order.declined else ("CONFIRMED", "captured")
    faults: list[str] = []
    stored = evidence.orders.get(order.order_id)
    if stored is None:
        return [f"order {order.order_id} is not stored"]
    if stored.status != wanted:
        faults.append(f"order {order.order_id} is {stored.status}, expected {wanted}")
    elif stored.writes != _PLACED_AND_DECIDED:
        faults.append(
            f"order {order.order_id} was written {stored.writes} times, "
            f"expected {_PLACED_AND_DECIDED}"
        )
    payment = evidence.payments.get(order.order_id)
    if payment is None:
        faults.append(f"order {order.order_id} has no payment")
    elif payment.lower() != charge:
        faults.append(f"the payment of order {order.order_id} is {payment}, expected {charge}")
    charges = evidence.charges.get(order.order_id, ())
    if charges != (charge,):
        listed = ", ".join(charges) or "none"
        faults.append(
            f"the provider's charges for order {order.order_id}: {listed}; expected {charge}"
        )
    emails = evidence.emails[order.order_id]
    if emails != 1:
        faults.append(f"order {order.order_id} brought {emails} e-mails, expected 1")
    return faults


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and others" if len(names) > _SHOWN else shown
