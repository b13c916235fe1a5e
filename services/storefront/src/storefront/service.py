"""What the storefront needs and does."""

from __future__ import annotations

from contextlib import suppress

import orders_contract
from orders_contract import OrdersApi, OrderStatusChanged
from storefront.receipts import StoredReceipt, view_of
from storefront.timeline import Timeline
from storefront_contract import OrderHistory, OrderList, OrderView, PlaceOrder, StorefrontApi
from trunkline import Caller, IdempotencyKey, Service
from trunkline.clients import Breaker
from trunkline.errors import Conflict, InvalidRequest, NotFound, Problem, Unavailable
from trunkline.rules import owner, signed_in

RETRY_AFTER_SECONDS = 5.0

service = Service("storefront", exposure="public")
# What a customer buys is nobody's business, also not of those who may look at tables.
receipts = service.table(
    "receipts",
    StoredReceipt,
    key="customer",
    sort="order_id",
    encrypted=["sku", "quantity", "total"],
)
timelines = service.table("timelines", Timeline, key="order_id")
# Generous, since the customer waits either way; it leaves this function the time for the receipt.
send_order = service.calls(OrdersApi.place_order, timeout=8.0)
# Short, since there is a second-best answer; and many processes need not find out one by one that
# orders is down.
look_up = service.calls(OrdersApi.get_order, timeout=2.0, breaker=Breaker(shared=True))
look_through = service.calls(OrdersApi.list_orders, timeout=2.0, breaker=Breaker(shared=True))


@service.implements(
    StorefrontApi.place_order,
    allow=signed_in,
    idempotency="Idempotency-Key",
    uses=[send_order, receipts.write],
)
def place_order(body: PlaceOrder, caller: Caller, key: IdempotencyKey) -> OrderView:
    """Hand the order on, and keep a receipt."""
    order = orders_contract.PlaceOrder(
        customer=caller.subject, email=_email_of(caller), **body.model_dump()
    )
    try:
        # Customers choose their keys, so the same key of two customers must not meet.
        placed = send_order(order, IdempotencyKey(f"{caller.subject}/{key}"))
    except Problem as problem:
        if not problem.retryable:
            raise
        raise Unavailable(
            "no orders can be taken just now; send the same request again",
            retry_after=RETRY_AFTER_SECONDS,
        ) from problem
    with suppress(Conflict):  # a first attempt kept the receipt, and crashed before it answered
        receipts.put(StoredReceipt.of(placed))
    return view_of(placed)


@service.implements(StorefrontApi.get_order, allow=owner, uses=[look_up, receipts.read])
def get_order(order_id: str, caller: Caller) -> OrderView:
    """Ask orders; if it cannot answer, show the receipt and say so."""

    def receipt_of(order_id: str) -> StoredReceipt:
        receipt = receipts.get(caller.subject, order_id)
        if receipt is None:
            raise Unavailable("orders cannot be looked up just now")
        return receipt

    found = look_up.or_else(receipt_of)(order_id)
    caller.must_own(found.customer)
    return found.degraded() if isinstance(found, StoredReceipt) else view_of(found)


@service.implements(StorefrontApi.list_orders, allow=signed_in, uses=[look_through, receipts.read])
def list_orders(cursor: str | None, caller: Caller) -> OrderList:
    """Ask orders; if it cannot answer, show all receipts and say so."""

    def receipts_of(customer: str, cursor: str | None = None) -> OrderList:
        if cursor is not None:
            raise Unavailable("no more orders can be looked up just now")
        newest_first = sorted(
            receipts.query(customer), key=lambda receipt: receipt.placed_at, reverse=True
        )
        return OrderList(orders=tuple(receipt.degraded() for receipt in newest_first))

    page = look_through.or_else(receipts_of)(caller.subject, cursor)
    if isinstance(page, OrderList):
        return page
    return OrderList(orders=tuple(map(view_of, page.orders)), cursor=page.cursor)


@service.implements(StorefrontApi.get_history, allow=owner, uses=[timelines.read])
def get_history(order_id: str, caller: Caller) -> OrderHistory:
    """What was told of the order so far; this needs no other service."""
    timeline = timelines.get(order_id)
    if timeline is None:
        raise NotFound(f"there is no order {order_id!r}")
    caller.must_own(timeline.customer)
    return timeline.history()


@service.reacts_to(OrderStatusChanged, uses=[timelines.read, timelines.write])
def keep_up(event: OrderStatusChanged) -> None:
    """Put the step at the end of the order's timeline."""
    timeline = timelines.get(event.order_id)
    if timeline is None:
        timeline = Timeline(order_id=event.order_id, customer=event.customer)
    longer = timeline.then(event)
    if longer is not timeline:
        timelines.put(longer)


def _email_of(caller: Caller) -> str:
    email = caller.claims.get("email")
    if not isinstance(email, str) or not email:
        raise InvalidRequest("your account has no e-mail address")
    return email
