"""An order and its states::

PLACED ──> CONFIRMED
   └─────> CANCELLED
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from orders.errors import ImpossibleMove
from orders_contract import OrderStatus, OrderView
from trunkline import Model, Money, Personal

MOVES: Mapping[OrderStatus, frozenset[OrderStatus]] = MappingProxyType(
    {
        OrderStatus.PLACED: frozenset({OrderStatus.CONFIRMED, OrderStatus.CANCELLED}),
        OrderStatus.CONFIRMED: frozenset(),
        OrderStatus.CANCELLED: frozenset(),
    }
)
"""Where an order can get from each state."""

_ORDERS = uuid.UUID("0d3f4a52-6c9b-5b5e-8a57-2f1f6c7f1b11")


class CustomersOrder(Model):
    """Says that a customer has placed an order; the order itself holds everything else."""

    customer: str
    place: str
    """Sorts a customer's orders by time."""
    order_id: str

    @classmethod
    def of(cls, order: Order) -> CustomersOrder:
        """The entry of an order."""
        # The time alone could be the same for two orders.
        place = f"{order.placed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}#{order.order_id}"
        return cls(customer=order.customer, place=place, order_id=order.order_id)


def order_id_for(caller: str, key: str) -> str:
    """The id of the order that a caller places under an idempotency key.

    It follows from the key, so that a request which is repeated after a crash finds the order that
    the first one has stored.
    """
    return str(uuid.uuid5(_ORDERS, f"{caller}/{key}"))


class Order(Model):
    """One article for one customer, at the price of the day."""

    order_id: str
    customer: str
    email: Personal[str]
    sku: str
    quantity: int
    total: Money
    placed_at: datetime
    status: OrderStatus = OrderStatus.PLACED
    gift_letter: Personal[str] = ""
    """Goes into the parcel; at most 360 KB as UTF-8, since DynamoDB's items have 400 at most."""

    def confirmed(self) -> Order:
        """The order after its payment; itself if it is confirmed already.

        Raises:
            ImpossibleMove: it was cancelled.
        """
        return self._moved(OrderStatus.CONFIRMED)

    def cancelled(self) -> Order:
        """The order after its payment was declined; itself if it is cancelled already.

        Raises:
            ImpossibleMove: it was confirmed.
        """
        return self._moved(OrderStatus.CANCELLED)

    def view(self) -> OrderView:
        """What other services may see."""
        return OrderView.model_validate(self, from_attributes=True)

    def _moved(self, wanted: OrderStatus) -> Order:
        if self.status is wanted:
            return self
        if wanted not in MOVES[self.status]:
            raise ImpossibleMove(self.order_id, self.status, wanted)
        return self.model_copy(update={"status": wanted})
