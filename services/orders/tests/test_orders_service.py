"""The handlers of orders: on an AWS in memory, or on a running one (``--local-cloud``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from notifications_contract import OrderCancelledEmail, OrderConfirmedEmail, SendEmail
from orders.service import orders, place_order
from orders_contract import (
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderStatus,
    OrderStatusChanged,
    PlaceOrder,
)
from payments_contract import PaymentCaptured, PaymentDeclined
from trunkline import Caller, IdempotencyKey, Money
from trunkline.contracts import Message
from trunkline.idempotency.keys import KEEP_REQUEST_SECONDS
from trunkline.testing import Answer, Failure, ServiceHarness

STOREFRONT = Caller.service("storefront")
TOTAL = Money(amount=2500, currency="EUR")
BODY = {
    "customer": "ann",
    "email": "ann@example.com",
    "sku": "mug",
    "quantity": 2,
    "card_token": "tok_visa",
}


@pytest.fixture
def harness(harness: ServiceHarness) -> ServiceHarness:
    """The service, with nothing stored, and the caller that it has."""
    harness.allow_callers("storefront")
    return harness


def place(
    harness: ServiceHarness, key: str = "key-1", caller: Caller = STOREFRONT, **changes: Any
) -> Answer:
    headers = {"Idempotency-Key": key}
    return harness.call("POST", "/orders", {**BODY, **changes}, caller=caller, headers=headers)


def placed_id(harness: ServiceHarness) -> str:
    return str(place(harness).json["order_id"])


def captured(order_id: str) -> PaymentCaptured:
    return PaymentCaptured(order_id=order_id, charge_id="ch-1", amount=TOTAL)


def declined(order_id: str) -> PaymentDeclined:
    return PaymentDeclined(order_id=order_id, reason="card_declined")


def told(harness: ServiceHarness) -> list[Message]:
    """What was emitted, but for the changes of status."""
    return [one for one in harness.emitted() if not isinstance(one, OrderStatusChanged)]


def changes(harness: ServiceHarness) -> list[OrderStatus]:
    """The changes of status that were told."""
    return [one.status for one in harness.emitted() if isinstance(one, OrderStatusChanged)]


def test_a_placed_order_is_stored_and_announced(harness: ServiceHarness) -> None:
    """201 with the price of the list, and one OrderPlaced."""
    answer = place(harness)
    assert answer.status == 201
    order = answer.json
    assert (order["status"], order["total"]) == ("PLACED", TOTAL.model_dump())
    assert told(harness) == [
        OrderPlaced(order_id=order["order_id"], customer="ann", total=TOTAL, card_token="tok_visa")
    ]
    assert harness.call("GET", f"/orders/{order['order_id']}").json == order


def test_a_placed_order_is_counted_once_and_tells_nothing_personal(
    harness: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """The metric counts orders, not requests; no line has an address or a card."""
    place(harness)
    place(harness)
    place(harness, key="key-2")
    place(harness, email="b@", key="key-3")
    written = capsys.readouterr().out
    assert written.count('"orders_placed":1') == 2
    assert "ann@example.com" not in written
    assert "tok_visa" not in written


def test_a_long_letter_reaches_the_confirmation(harness: ServiceHarness) -> None:
    """A letter longer than a queue takes is passed on whole; one that no order holds is a 400."""
    letter = "\u795d" * 90_000
    order_id = str(place(harness, gift_letter=letter).json["order_id"])
    assert harness.relay()
    assert harness.deliver(captured(order_id))
    (email,) = [message for message in harness.emitted() if isinstance(message, SendEmail)]
    assert isinstance(email.content, OrderConfirmedEmail)
    assert email.content.gift_letter == letter
    assert harness.relay()
    assert place(harness, "key-2", gift_letter=letter + "!").status == 400


def test_only_the_storefront_places_orders(harness: ServiceHarness) -> None:
    """Whoever declared the call may look; to order in a customer's name takes our consent."""
    harness.allow_callers("storefront", "curious")
    order_id = placed_id(harness)
    curious = Caller.service("curious")
    assert harness.call("GET", f"/orders/{order_id}", caller=curious).status == 200
    assert place(harness, "key-2", curious).status == 403
    assert len(told(harness)) == 1


def test_a_repeated_request_is_the_same_order(harness: ServiceHarness) -> None:
    """The same key gives the first answer and announces nothing more."""
    assert place(harness).json == place(harness).json
    assert len(told(harness)) == 1


def test_a_request_repeated_after_a_crash_is_the_same_order(harness: ServiceHarness) -> None:
    """Also when the record of the first request was never written, there is one order."""
    first = place_order(PlaceOrder(**BODY), STOREFRONT, IdempotencyKey("key-1"))
    assert place(harness).json == first.model_dump(mode="json")
    assert len(told(harness)) == 1


def listed(harness: ServiceHarness, customer: str, cursor: str | None = None) -> Answer:
    query: dict[str, str | list[str]] = {} if cursor is None else {"cursor": cursor}
    path = f"/customers/{customer}/orders"
    return harness.call("GET", path, caller=STOREFRONT, query=query)


def test_a_customers_orders_come_page_by_page(harness: ServiceHarness) -> None:
    """The newest first, each once, as they are now, and nobody else's."""
    placed = [str(place(harness, f"key-{number}").json["order_id"]) for number in range(25)]
    place(harness, "bobs", customer="bob")
    harness.deliver(captured(placed[0]))
    first = listed(harness, "ann").json
    second = listed(harness, "ann", first["cursor"]).json
    assert second["cursor"] is None
    orders = [*first["orders"], *second["orders"]]
    assert [order["order_id"] for order in orders] == placed[::-1]
    assert [order["status"] for order in orders] == ["PLACED"] * 24 + ["CONFIRMED"]
    assert len(listed(harness, "bob").json["orders"]) == 1
    assert listed(harness, "eve").json == {"orders": [], "cursor": None}


def test_a_cursor_leads_nowhere_but_on(harness: ServiceHarness) -> None:
    """Another customer's cursor, and one that was changed, are refused by name."""
    for number in range(21):
        place(harness, f"key-{number}")
        place(harness, f"bobs-{number}", customer="bob")
    cursor = listed(harness, "ann").json["cursor"]
    for customer, wrong in (("bob", cursor), ("ann", cursor[:-1]), ("ann", "x"), ("ann", "ä")):
        answer = listed(harness, customer, wrong)
        assert answer.status == 400
        assert [error["field"] for error in answer.json["errors"]] == ["cursor"]


def test_only_the_storefront_lists_orders(harness: ServiceHarness) -> None:
    """Whoever declared the call may look at an order they know of, but not search."""
    place(harness)
    curious = Caller.service("curious")
    assert harness.call("GET", "/customers/ann/orders", caller=curious).status == 403


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"sku": "unicorn"}, id="not in the price list"),
        pytest.param({"quantity": 0}, id="none"),
        pytest.param({"quantity": 11}, id="too many"),
        pytest.param({"quantity": "2"}, id="no number"),
        pytest.param({"card_token": "4111111111111111"}, id="a card number"),
        pytest.param({"gift": True}, id="unknown field"),
    ],
)
def test_a_wrong_request_is_refused(harness: ServiceHarness, changes: dict[str, Any]) -> None:
    """400 with the field's name, and nothing is announced."""
    answer = place(harness, **changes)
    assert answer.status == 400
    assert [error["field"] for error in answer.json["errors"]] == list(changes)
    assert told(harness) == []


def test_an_unknown_order_is_not_found(harness: ServiceHarness) -> None:
    """404 for an id that nobody has got."""
    assert harness.call("GET", "/orders/nothing").status == 404


def test_a_captured_payment_confirms_the_order(harness: ServiceHarness) -> None:
    """The order is confirmed, everybody is told, and the customer gets an e-mail."""
    order_id = placed_id(harness)
    assert harness.deliver(captured(order_id))
    assert harness.call("GET", f"/orders/{order_id}").json["status"] == "CONFIRMED"
    content = OrderConfirmedEmail(order_id=order_id, sku="mug", quantity=2, total=TOTAL)
    assert told(harness)[1:] == [
        OrderConfirmed(order_id=order_id, customer="ann", total=TOTAL),
        SendEmail(reference=order_id, to="ann@example.com", content=content),
    ]


def test_a_declined_payment_cancels_the_order(harness: ServiceHarness) -> None:
    """The order is cancelled, everybody is told, and the e-mail says so."""
    order_id = placed_id(harness)
    assert harness.deliver(declined(order_id))
    assert harness.call("GET", f"/orders/{order_id}").json["status"] == "CANCELLED"
    content = OrderCancelledEmail(order_id=order_id, sku="mug", quantity=2, total=TOTAL)
    assert told(harness)[1:] == [
        OrderCancelled(order_id=order_id, customer="ann", reason="card_declined"),
        SendEmail(reference=order_id, to="ann@example.com", content=content),
    ]


@pytest.mark.parametrize(
    ("payment", "final"), [(captured, OrderStatus.CONFIRMED), (declined, OrderStatus.CANCELLED)]
)
def test_every_change_of_status_is_told(
    harness: ServiceHarness, payment: Callable[[str], Message], final: OrderStatus
) -> None:
    """Each once, together with the change itself."""
    order_id = placed_id(harness)
    assert changes(harness) == [OrderStatus.PLACED]
    assert harness.deliver(payment(order_id))
    assert changes(harness) == [OrderStatus.PLACED, final]
    assert harness.relay()


def test_a_payment_told_twice_settles_once(harness: ServiceHarness) -> None:
    """A second message about the same payment, under another id too, says nothing new."""
    order_id = placed_id(harness)
    for event_id in ("first", "first", "second"):
        assert harness.deliver(captured(order_id), event_id=event_id)
    assert len(told(harness)) == 3


def test_a_contradiction_is_a_dead_letter(harness: ServiceHarness) -> None:
    """A declined payment of a confirmed order is put aside at once, with its reason."""
    order_id = placed_id(harness)
    harness.deliver(captured(order_id))
    assert harness.deliver(declined(order_id))
    (letter,) = harness.dead_letters("on-payment-declined")
    assert letter.error_type == "ImpossibleMove"
    assert "is CONFIRMED and cannot become CANCELLED" in letter.reason
    order = orders.get(order_id)
    assert order is not None
    assert order.status == "CONFIRMED"


def test_a_payment_of_an_unknown_order_is_a_dead_letter(harness: ServiceHarness) -> None:
    """It is put aside at once, since trying again cannot help."""
    assert harness.deliver(captured("nobody's"))
    (letter,) = harness.dead_letters("on-payment-captured")
    assert letter.error_type == "UnknownOrder"


@pytest.mark.parametrize("failure", [Failure.THROTTLED, Failure.CRASH_BEFORE, Failure.CRASH_AFTER])
@pytest.mark.parametrize("table", ["orders", "idempotency"])
def test_an_order_is_placed_once_whatever_fails(
    harness: ServiceHarness, table: str, failure: Failure
) -> None:
    """A request that failed or died is repeated when its lock has ended: one order, one event."""
    harness.faults.write(table, failure)
    assert place(harness).status >= 500
    harness.advance(30)
    assert place(harness).status == 201
    assert len(told(harness)) == len(changes(harness)) == 1


def test_a_key_is_forgotten_after_its_time(harness: ServiceHarness) -> None:
    """Then the answer is not a stored one; the order is still the same."""
    first = place(harness)
    harness.advance(KEEP_REQUEST_SECONDS + 1)
    again = place(harness)
    assert (again.json["order_id"], again.headers.get("Idempotent-Replayed")) == (
        first.json["order_id"],
        None,
    )


@pytest.mark.parametrize("failure", [Failure.THROTTLED, Failure.CRASH_BEFORE, Failure.CRASH_AFTER])
def test_a_confirmation_that_failed_comes_back(harness: ServiceHarness, failure: Failure) -> None:
    """It is not acknowledged, waits, and then the order is confirmed and announced once."""
    order_id = placed_id(harness)
    harness.faults.write(orders, failure)
    assert not harness.deliver(captured(order_id))
    assert harness.redeliver() == []
    harness.advance(60)
    assert harness.redeliver() == [True]
    assert harness.call("GET", f"/orders/{order_id}").json["status"] == "CONFIRMED"
    assert (len(told(harness)), len(changes(harness))) == (3, 2)


@pytest.mark.parametrize("failure", list(Failure))
def test_what_could_not_be_published_stays_in_the_outbox(
    harness: ServiceHarness, failure: Failure
) -> None:
    """The relay publishes it the next time; nothing is lost."""
    place(harness)
    harness.faults.publish(failure)
    assert not harness.relay()
    assert harness.emitted() != []
    assert harness.relay()
    assert harness.emitted() == []
