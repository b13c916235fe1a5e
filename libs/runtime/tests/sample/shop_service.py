"""A small service that uses everything the runtime has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from depot_contract import DepotApi, Pack, Stock
from shop_contract import (
    OrderPlaced,
    OrderView,
    PaymentSeen,
    PlaceOrder,
    Remind,
    ShopApi,
)

from trunkline import Caller, IdempotencyKey, Model, Money, Service
from trunkline.errors import NotFound, Rejected


class Order(Model):
    """What the sample stores."""

    order_id: str
    sku: str
    quantity: int
    placed_by: str
    paid: bool = False

    def view(self) -> OrderView:
        """What a caller sees."""
        return OrderView(**self.model_dump(exclude={"paid"}))


class Line(Model):
    """A record with a sort key."""

    sku: str
    order_id: str
    quantity: int


@dataclass
class Effects:
    """What the handlers did to the outside world, and where tests make them fail."""

    done: list[str] = field(default_factory=list)
    before: Callable[[str], None] | None = None
    after: Callable[[str], None] | None = None

    def reset(self) -> None:
        """Forget everything."""
        self.done.clear()
        self.before = self.after = None

    def happen(self, what: str) -> None:
        """Have one effect."""
        if self.before is not None:
            self.before(what)
        self.done.append(what)
        if self.after is not None:
            self.after(what)


effects = Effects()

service = Service("shop")
orders = service.table("orders", Order, key="order_id")
lines = service.table("lines", Line, key="sku", sort="order_id")
greeting = service.setting("greeting", description="How e-mails begin", default="Hello")
api_key = service.secret("api-key", description="The key of a provider")
mailer = service.email("shop@example.com")
get_stock = service.calls(
    DepotApi.get_stock,
    timeout=1.0,
    fallback=lambda sku, region="eu", shelf=(): Stock(sku=sku, pieces=0),
)
reserve = service.calls(DepotApi.reserve, timeout=1.0)
cancel = service.calls(DepotApi.cancel)


@service.implements(
    ShopApi.place_order,
    idempotency="Idempotency-Key",
    uses=[orders.read, orders.write, lines.write, OrderPlaced, Pack],
)
def place_order(body: PlaceOrder, caller: Caller, key: IdempotencyKey) -> OrderView:
    """Store and emit."""
    order_id = f"order-{key}"
    effects.happen(order_id)
    order = orders.get(order_id)
    if order is None:
        order = Order(
            order_id=order_id, sku=body.sku, quantity=body.quantity, placed_by=caller.subject
        )
        total = Money(amount=100 * body.quantity, currency="EUR")
        lines.put(Line(sku=body.sku, order_id=order_id, quantity=body.quantity))
        orders.put(
            order, emit=[OrderPlaced(order_id=order_id, total=total), Pack(order_id=order_id)]
        )
    return order.view()


@service.implements(ShopApi.get_order, uses=[orders.read])
def get_order(order_id: str) -> OrderView:
    """Read."""
    order = orders.get(order_id)
    if order is None:
        raise NotFound(f"no order {order_id}")
    return order.view()


@service.implements(ShopApi.find_orders, uses=[orders.read, lines.read])
def find_orders(sku: str, at_least: int) -> list[OrderView]:
    """Query."""
    found = [orders.get(line.order_id) for line in lines.query(sku) if line.quantity >= at_least]
    return [order.view() for order in found if order is not None]


@service.implements(ShopApi.delete_order, uses=[orders.read])
def delete_order(order_id: str) -> None:
    """Delete, without having declared that it writes."""
    order = orders.get(order_id)
    if order is not None:
        orders.delete(order)


@service.reacts_to(
    PaymentSeen, uses=[orders.read, orders.write, OrderPlaced, api_key, get_stock, reserve]
)
def on_payment(event: PaymentSeen) -> None:
    """One effect; fails as the event says."""
    effects.happen(event.order_id)
    if event.fail == "rejected":
        raise Rejected("no such order")
    if event.fail:
        raise RuntimeError(event.fail)


@service.performs(Remind, uses=[mailer, greeting])
def remind(task: Remind) -> None:
    """Write an e-mail."""
    effects.happen(task.order_id)
    mailer.send(to=task.to, subject="Your order", text=f"{greeting.value()}, {task.order_id}")
