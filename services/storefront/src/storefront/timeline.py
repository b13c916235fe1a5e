"""What the storefront remembers of an order's way, as orders has told it step by step."""

from __future__ import annotations

from orders_contract import OrderStatusChanged
from storefront_contract import OrderHistory, OrderStatus, StatusChange
from trunkline import Model


class Timeline(Model):
    """The steps of one order.

    The events of one order arrive in their order, so a step is put at the end without a look at
    times, and the last one is where the order is.
    """

    order_id: str
    customer: str
    steps: tuple[StatusChange, ...] = ()

    def then(self, event: OrderStatusChanged) -> Timeline:
        """The timeline with one more step; itself if that is its last step already."""
        step = StatusChange(status=OrderStatus(event.status), at=event.changed_at)
        if self.steps[-1:] == (step,):
            return self
        return self.model_copy(update={"steps": (*self.steps, step)})

    def history(self) -> OrderHistory:
        """What its customer may see."""
        return OrderHistory(order_id=self.order_id, steps=self.steps)
